package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestHealthOnThePage: a machine that was looked at shows how it is, one that nobody looked at nothing of it.
func TestHealthOnThePage(t *testing.T) {
	world, srv := start(t)
	ail(world)
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/machines/hv01")
	for _, want := range []string{"212 W", "PSU2 is critical (Failure detected)", "<polyline points=", "24.5 °C", "between 200 W and 206 W", `value="10m"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q on the page of hv01", want)
		}
	}
	if _, body := page(t, c, srv.URL+"/machines/st02"); !strings.Contains(body, "The BMC could not be asked:</b> the BMC does not answer") {
		t.Error("the page of st02 does not say that its BMC is silent")
	}
	if _, body := page(t, c, srv.URL+"/machines/hv02"); strings.Contains(body, `id="health"`) {
		t.Error("the page of hv02 shows what nobody knows")
	}
	m := csrfField.FindStringSubmatch(body)
	for light, status := range map[string]int{"10m": http.StatusSeeOther, "forever": http.StatusUnprocessableEntity} {
		if res, _ := do(t, c, form(t, srv.URL+"/machines/hv01/locate", url.Values{"csrf": {m[1]}, "light": {light}})); res.StatusCode != status {
			t.Errorf("light %s: %d", light, res.StatusCode)
		}
	}
	if !slices.Contains(world.Calls(), "token:admin: light true for 10m0s at hv01") {
		t.Errorf("%q", world.Calls())
	}
}
