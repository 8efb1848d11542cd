package boot

import "testing"

func TestNeedsIPv6(t *testing.T) {
	for server, want := range map[string]bool{
		"https://[2001:db8::1]:8443": true, "https://198.18.0.1:8443": false, "https://[::ffff:198.18.0.1]:8443": false,
		"https://socle.example:8443": false, "": false, "https://[": false,
	} {
		if NeedsIPv6(server) != want {
			t.Errorf("%q: want %v", server, want)
		}
	}
}
