package inventory

import "fmt"

// Plural says how many there are of something whose plural ends in s: "1 machine", "2 machines".
func Plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
