package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"socle/inventory"
)

// TestRackPage lists racks, draws one, and racks servers by what is typed there; what is refused is said.
func TestRackPage(t *testing.T) {
	world, srv := start(t)
	for n, name := range []string{"n1", "n2"} {
		world.Put(inventory.Machine{ID: "id-" + name, Name: name, State: inventory.Expected, InPlan: true,
			Place: inventory.Place{Site: "lab", Rack: "r<7>", U: 1 + 2*n, Height: 2}, Identity: inventory.Identity{Serial: "SN-" + name}})
	}
	world.Put(inventory.Machine{ID: "id-n3", Name: "n3", State: inventory.Active, Power: inventory.PowerOff, Place: inventory.Place{Site: "lab", Rack: "r<7>", U: 5}})
	c := login(t, srv)
	rack := srv.URL + "/places/rack?rack=" + url.QueryEscape("lab/r<7>")
	_, body := page(t, c, srv.URL+"/places")
	has(t, body, "lab/r&lt;7&gt;", `href="/places/rack?rack=lab%2Fr%3C7%3E"`)
	_, body = page(t, c, rack)
	has(t, body, "Next of 2: <b>n1</b>", "U 1 to 2", `<svg class="elevation"`, "front and rear of rack r&lt;7&gt;", "its power is off", "free at both faces: 6–12")
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(body)[1]
	for _, x := range []struct {
		code   string
		status int
		has    string
	}{
		{"nobody", http.StatusNotFound, "<b>Refused.</b>"}, {" sn-N1 ", http.StatusSeeOther, ""}, {"SN-n1", http.StatusConflict, "stands in U 1 already"},
	} {
		res, body := do(t, c, form(t, rack, url.Values{"csrf": {csrf}, "code": {x.code}}))
		if res.StatusCode != x.status || !strings.Contains(body, x.has) {
			t.Errorf("%q: %d, and no %q in %s", x.code, res.StatusCode, x.has, body)
		}
		if x.status == http.StatusSeeOther {
			_, body = page(t, c, srv.URL+res.Header.Get("Location"))
			has(t, body, "<b>n1</b> is written down as racked", "Next of 1: <b>n2</b>", "it was racked, and not seen yet")
		}
	}
	if res, _ := do(t, c, form(t, rack, url.Values{"code": {"SN-n2"}})); res.StatusCode != http.StatusForbidden {
		t.Errorf("without the session's secret: %d", res.StatusCode)
	}
	if res, _ := page(t, c, srv.URL+"/places/rack?rack=nowhere"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a rack that is not there: %d", res.StatusCode)
	}
}

func has(t *testing.T, body string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("no %q on the page", w)
		}
	}
}
