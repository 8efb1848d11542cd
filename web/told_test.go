package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/web/webtest"
)

// TestTold: a BMC posts without a token, and with a proof in the path.
func TestTold(t *testing.T) {
	world := webtest.New(t.TempDir(), time.Now)
	o := world.Options()
	o.Told = world
	srv := serve(t, o)
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"/bmc/v1/events/m1/proof", `{"Events":[]}`, http.StatusNoContent},
		{"/bmc/v1/events/m1/guess", `{"Events":[]}`, http.StatusNotFound},
		{"/bmc/v1/events/m1/proof", strings.Repeat("x", 64<<10+1), http.StatusRequestEntityTooLarge},
	} {
		if res, text := call(t, http.MethodPost, srv.URL+c.path, "", c.body); res.StatusCode != c.want {
			t.Errorf("%s: %d %s", c.path, res.StatusCode, text)
		}
	}
	if calls := world.Calls(); !slices.Equal(calls, []string{`BMC of m1: {"Events":[]}`}) {
		t.Errorf("%q", calls)
	}
}
