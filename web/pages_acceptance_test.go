package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"socle/inventory"
)

const noDIMM = "parts/missing/DIMM <A1>"

// TestAcceptancePage sums up racks and deliveries, names what stands against machines, and lets it pass by a form, with a reason.
func TestAcceptancePage(t *testing.T) {
	world, srv := start(t)
	world.Find(inventory.Findings{Machine: "id-hv01", Source: inventory.FromParts, List: []inventory.Finding{
		{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM <A1>", Reason: "DIMM <A1> is missing"}}})
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/acceptance")
	has(t, body, ">All machines<", "1 rejected", `<th>Site</th>`, `<a href="/acceptance?site=ams1">ams1</a>`, `<a href="/acceptance?rack=ams1%2Fhall`, `<a href="/machines/hv01">hv01</a> <span class="tag h-critical">rejected</span>`,
		"DIMM &lt;A1&gt; is missing", `name="finding" value="parts/missing/DIMM &lt;A1&gt;"`, "it was never seen")
	if strings.Index(body, `<a href="/machines/hv01">`) > strings.Index(body, `<a href="/machines/st03">`) {
		t.Error("the worst comes first")
	}
	if strings.Contains(body, `name="machine" value="st03"`) {
		t.Error("what was not looked at cannot be waived")
	}
	_, body = page(t, c, srv.URL+"/machines/hv01")
	has(t, body, `<a href="/acceptance?machines=hv01"><span class="tag h-critical">rejected</span></a><small>DIMM &lt;A1&gt; is missing</small>`)

	here := srv.URL + "/acceptance?machines=hv01"
	_, body = page(t, c, here)
	csrf := csrfField.FindStringSubmatch(body)[1]
	if strings.Contains(body, "<th>Rack</th>") {
		t.Error("there is nothing to sum up of one machine")
	}
	for _, x := range []struct {
		values url.Values
		status int
		says   string
	}{
		{url.Values{"finding": {noDIMM}, "reason": {"  "}}, http.StatusUnprocessableEntity, "a waiver needs a reason"},
		{url.Values{"finding": {noDIMM}, "reason": {"x"}, "until": {"soon"}}, http.StatusUnprocessableEntity, "no day such as"},
		{url.Values{"finding": {"parts/extra/x"}, "reason": {"x"}}, http.StatusUnprocessableEntity, "<b>Not taken.</b> it was not found of hv01"},
		{url.Values{"withdraw": {"nothing"}}, http.StatusNotFound, "not found"},
		{url.Values{"finding": {noDIMM}, "reason": {" it comes on Monday "}, "until": {"2099-12-31"}}, http.StatusSeeOther, ""},
	} {
		x.values.Set("csrf", csrf)
		x.values.Set("machine", "hv01")
		res, body := do(t, c, form(t, here, x.values))
		if res.StatusCode != x.status || !strings.Contains(body, x.says) || x.status == http.StatusSeeOther && res.Header.Get("Location") != "/acceptance?machines=hv01" {
			t.Errorf("%v: %d to %q, and no %q in %s", x.values, res.StatusCode, res.Header.Get("Location"), x.says, body)
		}
	}
	waivers, err := world.Waivers(t.Context())
	if err != nil || len(waivers) != 1 || waivers[0].Reason != "it comes on Monday" || waivers[0].Until.Format("2006-01-02 15:04") != "2100-01-01 00:00" || waivers[0].Actor == "" {
		t.Fatalf("%+v, %v", waivers, err)
	}
	_, body = page(t, c, here)
	has(t, body, `<span class="tag h-warning">waived</span>`, `name="withdraw" value="whv01"`)
	if res, _ := do(t, c, form(t, here, url.Values{"withdraw": {"whv01"}})); res.StatusCode != http.StatusForbidden {
		t.Errorf("without the session's secret: %d", res.StatusCode)
	}
	if res, _ := do(t, c, form(t, here, url.Values{"csrf": {csrf}, "withdraw": {"whv01"}})); res.StatusCode != http.StatusSeeOther {
		t.Errorf("withdrawing: %d", res.StatusCode)
	}
	_, body = page(t, c, here)
	has(t, body, `<span class="tag h-critical">rejected</span>`)
}

// TestAcceptancePageOfNothing: a scope that is not there is told, and an empty inventory is no error.
func TestAcceptancePageOfNothing(t *testing.T) {
	world, srv := start(t)
	c := login(t, srv)
	for _, query := range []string{"?rack=nowhere", "?machines=a%5B1", "?machines=" + strings.Repeat("a", 10001)} {
		if res, _ := page(t, c, srv.URL+"/acceptance"+query); res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%.40s: %d", query, res.StatusCode)
		}
	}
	all, err := world.Roster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		m.State = inventory.Retired
		world.Put(m)
	}
	_, body := page(t, c, srv.URL+"/acceptance")
	has(t, body, "0 accepted", "None of these machines has a serial number yet.")
	_, body = page(t, c, srv.URL+"/machines/hv01")
	if strings.Contains(body, "<dt>Acceptance</dt>") {
		t.Error("a retired machine is not judged")
	}
}
