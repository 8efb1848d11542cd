// Command testlog reads the output of `go test -json` and prints, for CI, all that the failed tests and
// packages said.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type event struct {
	Action, Package, Test, Output string
}

func main() {
	output := map[[2]string][]string{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text())
			continue
		}
		id := [2]string{e.Package, e.Test}
		switch e.Action {
		case "output", "build-output":
			output[id] = append(output[id], e.Output)
		case "pass", "skip":
			delete(output, id)
		case "fail":
			for _, line := range output[id] {
				fmt.Print(line)
			}
			delete(output, id)
		}
	}
}
