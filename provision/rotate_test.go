package provision

import (
	"strings"
	"testing"
)

// TestNewPassword: what is made is of the length that the BMC allows, has all kinds of characters, begins with a
// letter, and is never the same twice.
func TestNewPassword(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct{ least, most, want int }{{0, 0, 20}, {8, 16, 16}, {0, 20, 20}, {24, 40, 24}, {8, 8, 8}, {1, 255, 20}} {
		for range 50 {
			p, err := newPassword(c.least, c.most)
			if err != nil {
				t.Fatal(err)
			}
			text := p.Reveal()
			if len(text) != c.want || seen[text] || !strings.Contains(classes[0]+classes[1], text[:1]) {
				t.Errorf("%d to %d: %q", c.least, c.most, text)
			}
			seen[text] = true
			for _, class := range classes {
				if !strings.ContainsAny(text, class) {
					t.Errorf("%q has none of %q", text, class)
				}
			}
		}
	}
	for _, c := range [][2]int{{0, 7}, {12, 10}} {
		if _, err := newPassword(c[0], c[1]); err == nil || !strings.Contains(err.Error(), "fewer than 8 are not safe") {
			t.Errorf("%v: %v", c, err)
		}
	}
}
