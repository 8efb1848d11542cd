// Command testlog reads the output of `go test -json` and prints, for CI, a line for each package and each test that
// took long, all that the failed tests said, and at the end how many tests ran. It exits with 1 when anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	failed, err := digest(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
	}
	if err != nil || failed {
		os.Exit(1)
	}
}

// long is how many seconds a test takes that is named though it passed.
const long = 20

type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// digest writes what is worth reading of in to out, and tells whether anything failed.
func digest(in io.Reader, out io.Writer) (failed bool, err error) {
	output := map[[2]string][]string{}
	count := map[string]int{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text())
			continue
		}
		id := [2]string{e.Package + e.ImportPath, e.Test}
		switch e.Action {
		case "output", "build-output":
			output[id] = append(output[id], e.Output)
			continue
		case "pass", "skip":
			switch {
			case e.Action == "pass" && e.Test == "":
				fmt.Fprintf(out, "ok    %-30s %6.1f s\n", e.Package, e.Elapsed)
			case e.Elapsed >= long:
				fmt.Fprintf(out, "        %6.1f s  %s\n", e.Elapsed, e.Test)
			}
		case "fail", "build-fail":
			failed = true
			for _, text := range output[id] {
				fmt.Fprint(out, text)
			}
		default:
			continue
		}
		delete(output, id)
		if e.Test != "" {
			count[e.Action]++
		}
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", count["pass"], count["fail"], count["skip"])
	return failed, lines.Err()
}
