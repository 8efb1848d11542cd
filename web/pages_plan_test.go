package web_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"socle/inventory"
)

// TestPlanPage asks by an address: what fits, what is missing, what is spare and why others cannot; wrong questions are said
// beside the form, which keeps what was typed.
func TestPlanPage(t *testing.T) {
	world, srv := start(t)
	c := login(t, srv)
	if _, err := world.SaveQuery(t.Context(), inventory.SavedQuery{Name: "new-ones", Query: "hv"}); err != nil {
		t.Fatal(err)
	}
	_, body := page(t, c, srv.URL+"/plan")
	has(t, body, `name="want.hypervisor"`, `value="feed"`, `<option value="@new-ones">`, `<a href="/plan?from=%40new-ones">@new-ones</a>`, "<code>hv</code>")
	if strings.Contains(body, "Spare") || len(world.Calls()) > 1 {
		t.Errorf("something was planned: %v", world.Calls())
	}
	_, body = page(t, c, srv.URL+"/plan?want.hypervisor=3&want.storage=&from=hv01&spread=rack&spread=feed")
	has(t, body, `name="want.hypervisor" value="3"`, `value="hv01"`, "<b>1 hypervisor</b>: <code>hv01</code>", "2 of hypervisor are missing", "<td>hypervisor</td><td>r1</td><td>1</td>",
		`<a href="/machines/hv02">hv02</a>`, "it is held: fan", "is taken though 2 things were found", `value="feed" checked`)
	if all := world.Calls(); !strings.HasPrefix(all[len(all)-1], "plan [{hypervisor 3}] of [") || !strings.HasSuffix(all[len(all)-1], "over [rack feed]") {
		t.Error(all)
	}
	_, body = page(t, c, srv.URL+"/plan?from=")
	has(t, body, "What a build-out would do")
	for query, want := range map[string]string{
		"want.hypervisor=many": "no number from 1 to 10000", "want.hypervisor=-1": "no number", "from=" + strings.Repeat("x", 2001): "longer than 2000 bytes", "from=nobody-is-called-so": "finds no machine", "from=@gone": "gone",
	} {
		res, body := page(t, c, srv.URL+"/plan?"+query)
		if res.StatusCode < 400 || res.StatusCode >= 500 || !strings.Contains(body, want) || !strings.Contains(body, "<form") {
			t.Errorf("%.40s: %d, no %q", query, res.StatusCode, want)
		}
	}
	world.Fail(errors.New("the database is away"))
	if res, _ := page(t, c, srv.URL+"/plan"); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("without a database: %d", res.StatusCode)
	}
}
