package main

import (
	"slices"
	"strings"
	"testing"
)

// TestTrustAndKeyring calls the commands about what is believed and what seals.
func TestTrustAndKeyring(t *testing.T) {
	world, flags := rack(t)
	shown, other := strings.Repeat("5e", 32), strings.Repeat("ab", 32)
	colons := strings.TrimSuffix(strings.Repeat("5E:", 32), ":")
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"bmc trust hv[01-02]", 0, []string{shown, "NOT the one that it must show", other + "  is what it must show", "2  hv[01-02]: NOT"}},
		{"bmc trust hv01 --fingerprint " + colons, 0, []string{"trusted"}},
		{"bmc trust hv01 --fingerprint " + other, 1, []string{"it shows " + shown + ", which was not named"}},
		{"bmc trust hv01 --fingerprint 5e5e", 2, []string{"the 64 digits"}},
		{"bmc trust nobody", 3, nil},
		{"bmc certificate hv01", 0, []string{"hv01  5e5e", "trusted, signed"}},
		{"keyring show", 0, []string{"5ec2e701", "seals and opens"}},
		{"keyring rotate", 0, []string{"12 secrets were sealed again"}},
		{"keyring retire", 0, []string{"5ec2e701"}},
	} {
		out, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if err != nil {
			out += err.Error()
		}
		if got := exitCode(err); got != tc.code {
			t.Errorf("%s: exit %d, want %d: %s", tc.line, got, tc.code, out)
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, out)
			}
		}
	}
	want := []string{"token:admin trusts " + colons + " of hv01 hv01", "token:admin gives a certificate to hv01", "token:admin rotates the keyring", "token:admin retires keys"}
	if got := world.Calls(); !slices.Equal(got, want) {
		t.Errorf("done %q", got)
	}
}
