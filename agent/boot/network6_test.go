package boot

import (
	"testing"
	"time"
)

func TestLifetimes(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct{ t1, t2, of, renew, rebind, valid time.Duration }{
		{1800 * s, 2880 * s, 3600 * s, 1800 * s, 2880 * s, 3600 * s},
		{0, 0, 3600 * s, 1800 * s, 2880 * s, 3600 * s}, // left to the client
		{100 * s, 50 * s, 3600 * s, 100 * s, 100 * s, 3600 * s},
		{1 * s, 2 * s, 3 * s, 5 * s, 2 * s, 10 * s}, // no server is asked more often
	} {
		if renew, rebind, valid := lifetimes(tc.t1, tc.t2, tc.of); renew != tc.renew || rebind != tc.rebind || valid != tc.valid {
			t.Errorf("%s, %s of %s: %s, %s of %s", tc.t1, tc.t2, tc.of, renew, rebind, valid)
		}
	}
}

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
