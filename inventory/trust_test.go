package inventory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

// TestTrust meets certificates in all states of what is believed.
func TestTrust(t *testing.T) {
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	known := inventory.Trust{Certificate: "a", By: "x", Since: now.Add(-time.Hour)}
	moving := inventory.Trust{Certificate: "a", Next: "b", HostKey: "k", By: "x"}
	signed := inventory.Trust{Certificate: "a", Signed: true, By: "x"}
	for _, c := range []struct {
		name   string
		before inventory.Trust
		shows  string
		signed bool
		news   string // "-": it is not believed
		after  inventory.Trust
	}{
		{"first", inventory.Trust{}, "a", false, "for the first time", inventory.Trust{Certificate: "a", By: "me", Since: now}},
		{"first, signed", inventory.Trust{}, "a", true, "authority", inventory.Trust{Certificate: "a", Signed: true, By: "me", Since: now}},
		{"the same", known, "a", false, "", known},
		{"another", known, "b", false, "-", known},
		{"another, signed", known, "b", true, "authority", inventory.Trust{Certificate: "b", Signed: true, By: "me", Since: now}},
		{"the same, now signed by somebody known", known, "a", true, "authority", inventory.Trust{Certificate: "a", Signed: true, By: "me", Since: now}},
		{"not replaced yet", moving, "a", false, "", moving},
		{"replaced", moving, "b", false, "was given", inventory.Trust{Certificate: "b", HostKey: "k", By: "me", Since: now}},
		{"neither", moving, "c", false, "-", moving},
		{"renewed", signed, "b", true, "authority", inventory.Trust{Certificate: "b", Signed: true, By: "me", Since: now}},
		{"signed before, and now not", signed, "b", false, "-", signed},
		{"signed before, and the authority is not known here", signed, "a", false, "", signed},
		{"only signed ones, none of them seen", inventory.Trust{Signed: true}, "b", false, "-", inventory.Trust{Signed: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.before
			news, believed := got.Meet(c.shows, c.signed, "me", now)
			if believed == (c.news == "-") || believed && (news == "") != (c.news == "") || believed && !strings.Contains(news, c.news) {
				t.Errorf("news %q, believed %v", news, believed)
			}
			if diff := cmp.Diff(c.after, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
