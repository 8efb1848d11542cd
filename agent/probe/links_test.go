package probe

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// TestLinkChanges reads messages of rtnetlink: an interface that runs, one that does not, one that is taken away, and others.
func TestLinkChanges(t *testing.T) {
	message := func(kind, flags string) string { // nlmsghdr(16), ifinfomsg(16) of interface 7, little-endian
		return "20000000" + kind + "0000" + "00000000" + "00000000" + "00000100" + "07000000" + flags + "00000000"
	}
	for name, tc := range map[string]struct {
		text string
		want []linkChange
	}{
		"up, then down": {message("1000", "43100100") + message("1000", "03100000"), []linkChange{{7, true}, {7, false}}},
		"taken away":    {message("1100", "43100100"), []linkChange{{7, false}}},
		"of an address": {message("1400", "43100100"), nil},
		"cut":           {"200000001000", nil},
		"nothing":       {"", nil},
	} {
		raw, err := hex.DecodeString(strings.ReplaceAll(tc.text, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := linkChanges(raw); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
