package debian

import "testing"

// TestComplaints: what went wrong is said, and not only that something did.
func TestComplaints(t *testing.T) {
	for out, want := range map[string]string{
		"Get:1 a\nErr:2 b\n  503  Busy\nReading package lists...\nW: Failed to fetch b  503  Busy\nE: Some index files failed to download.\n": "W: Failed to fetch b  503  Busy; E: Some index files failed to download.",
		"E: 1\nE: 2\nE: 3\nE: 4\n":       "E: 1; E: 2; E: 3",
		"nothing of that sort\nkilled\n": "killed",
		"":                               "",
	} {
		if got := complaints([]byte(out)); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
}
