package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

// shows tells what of a page is missing, and what should not be there.
func shows(t *testing.T, what, body string, has, not []string) {
	t.Helper()
	for _, s := range has {
		if !strings.Contains(body, s) {
			t.Errorf("%s does not show %q", what, s)
		}
	}
	for _, s := range not {
		if strings.Contains(body, s) {
			t.Errorf("%s shows %q", what, s)
		}
	}
}

// TestTestingOnMachinePage: what runs and how far, what came of it, and the buttons that are of use now.
func TestTestingOnMachinePage(t *testing.T) {
	world, srv := start(t)
	world.FillTests()
	c := login(t, srv)
	for name, want := range map[string]struct{ has, not []string }{
		"bn01": {[]string{"50 %, 1\u00a0h\u00a030\u00a0min left", `<li class="done"><b>cpu</b>`, `<li class="now" aria-current="step"><b>memory</b>`, "30\u00a0min\u00a000\u00a0s of 1\u00a0h\u00a000\u00a0min",
			`<li class="next"><b>disk</b>`, "/machines/bn01/stop-test", "Results of 3 runs", "1\u00a0h\u00a030\u00a0min of 3\u00a0h\u00a000\u00a0min"}, []string{`/machines/bn01/test"`, "KiB"}},
		"bn02": {[]string{"1 against it", "core 3 computed SHA-256 wrong", "Test again", `/machines/bn02/test"`, "cpu, memory, disk; 1\u00a0h\u00a000\u00a0min each, 3\u00a0h\u00a000\u00a0min in all"}, []string{"stop-test"}},
		"bn03": {[]string{"38 % below its 11 peers", "replace it, then test again", "serial ZL2SMC-6029-02031"}, nil},
		"bn04": {[]string{"passed</span>", "Test again", "Write to the disks, too", `name="disk" value="ZL2`, "Serial number of this server"}, []string{"what is on them is lost.</p>"}},
		"bn05": {[]string{"never tested", "Begin the tests", `<option value="short">short: disk for 1`}, []string{"/machines/bn05/tests"}},
		"bn06": {[]string{"the agent has not begun yet", "stop-test"}, nil},
		"st01": {[]string{"It cannot be tested now: it is deploying"}, []string{"/machines/st01/test"}},
		"hv01": {nil, []string{`id="testing"`}},
	} {
		_, body := page(t, c, srv.URL+"/machines/"+name)
		shows(t, name, body, want.has, want.not)
		if inside := panel(body, "testing"); name == "bn03" && strings.Contains(inside, "3 × 64 GiB") {
			t.Error("other parts than its peers have are no result of tests")
		}
	}
	m, err := world.Machine(t.Context(), "bn05")
	if err != nil {
		t.Fatal(err)
	}
	m.Intent.Disks = []string{"D1", "D2"}
	world.Put(m)
	_, body := page(t, c, srv.URL+"/machines/bn05")
	shows(t, "a machine whose disks will be written to", body, []string{"The tests to come write to D1, D2: what is on them is lost"}, nil)
	m.Hold = &inventory.Hold{Reason: "new fan"}
	world.Put(m)
	_, body = page(t, c, srv.URL+"/machines/bn05")
	shows(t, "a held machine", body, []string{"It cannot be tested now: it is held"}, []string{`/machines/bn05/test"`})
}

// panel is the part of a page with this ID.
func panel(body, id string) string {
	_, rest, _ := strings.Cut(body, `id="`+id+`"`)
	inside, _, _ := strings.Cut(rest, "</section>")
	return inside
}

// TestTestForms: tests are begun and ended by people who are logged in, from their own page only.
func TestTestForms(t *testing.T) {
	world, srv := start(t)
	world.FillTests()
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/machines/bn01")
	csrf := csrfField.FindStringSubmatch(body)[1]
	for _, x := range []struct {
		path   string
		values url.Values
		site   string
		status int
		to     string
	}{
		{"/machines/bn05/test", url.Values{}, "same-origin", http.StatusForbidden, ""},
		{"/machines/bn05/test", url.Values{"csrf": {"AAAA"}}, "same-origin", http.StatusForbidden, ""},
		{"/machines/bn01/stop-test", url.Values{"csrf": {csrf}}, "cross-site", http.StatusForbidden, ""},
		{"/machines/bn05/test", url.Values{"csrf": {csrf}}, "same-origin", http.StatusSeeOther, "/machines/bn05"},
		{"/machines/bn01/stop-test", url.Values{"csrf": {csrf}, "back": {"tests"}}, "same-origin", http.StatusSeeOther, "/machines/bn01/tests"},
		{"/machines/bn04/test", url.Values{"csrf": {csrf}, "plan": {"short"}}, "same-origin", http.StatusSeeOther, "/machines/bn04"},
		{"/machines/bn04/test", url.Values{"csrf": {csrf}, "serial": {" SN "}, "disk": {"D1", "D2"}}, "same-origin", http.StatusSeeOther, "/machines/bn04"},
		{"/machines/bn04/test", url.Values{"csrf": {csrf}, "serial": {"SN"}}, "same-origin", http.StatusUnprocessableEntity, ""},
		{"/machines/nobody/test", url.Values{"csrf": {csrf}}, "same-origin", http.StatusNotFound, ""},
	} {
		req := form(t, srv.URL+x.path, x.values)
		req.Header.Set("Sec-Fetch-Site", x.site)
		res, _ := do(t, c, req)
		if res.StatusCode != x.status || res.Header.Get("Location") != x.to {
			t.Errorf("%s %v: %d to %q, want %d to %q", x.path, x.values, res.StatusCode, res.Header.Get("Location"), x.status, x.to)
		}
	}
	if diff := cmp.Diff([]string{"token:admin test bn05", "token:admin stop-test bn01", "token:admin test short bn04", "token:admin test writing to D1,D2 of SN bn04"}, world.Calls()); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
}

// TestRunsPage: all runs with what they found, each metric over them, and what is usual among peers.
func TestRunsPage(t *testing.T) {
	world, srv := start(t)
	world.FillTests()
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/machines/bn03/tests")
	shows(t, "bn03", body, []string{
		`<figure class="metric odd">`, "36 of equal hardware: median 260, usual 234 to 286", `<g class="odd"><title>sdb 16`, "38.1 % worse", "ZL2SMC-6029-02031", "network.tcp.send", "nobody to compare with",
		"cpu.temperature", "lower is better", "nvme0n1 does not answer SMART", `<rect class="band"`, `name="back" value="tests"`, "8 values", "as its peers",
	}, []string{"NaN", "Inf", " style=", "<script>"})
	if i, j := strings.Index(body, "disk.read.sequential over"), strings.Index(body, "cpu.ops over"); i < 0 || j < i {
		t.Error("what is odd does not come first")
	}
	if n := strings.Count(panel(body, "runs"), "passed</span>"); n != 3 {
		t.Errorf("%d runs passed, want 3", n)
	}
	if calls := world.Calls(); len(calls) != 1 || calls[0] != `outliers of "bn03" in ""` {
		t.Errorf("%q: only this machine is to be compared", calls)
	}
	_, body = page(t, c, srv.URL+"/machines/bn02/tests")
	shows(t, "bn02", body, []string{"failed</span>", "computed SHA-256 wrong"}, nil)
	_, body = page(t, c, srv.URL+"/machines/bn03/tests?metric=cpu.ops")
	shows(t, "one metric", body, []string{"cpu.ops.all over", "cpu.ops over"}, []string{"disk.read.sequential over"})
	_, body = page(t, c, srv.URL+"/machines/bn05/tests")
	shows(t, "bn05", body, []string{"has not been tested yet", "Nothing has been measured yet"}, nil)
	for path, status := range map[string]int{"/machines/nobody/tests": 404, "/machines/bn03/tests?metric=" + strings.Repeat("x", 129): 422} {
		if res, _ := page(t, c, srv.URL+path); res.StatusCode != status {
			t.Errorf("%.40s: %d, want %d", path, res.StatusCode, status)
		}
	}
}

// TestTestsPage: all that are under test with their progress, then the failed and the odd; filtered by rack, model and kind.
func TestTestsPage(t *testing.T) {
	world, srv := start(t)
	world.FillTests()
	c := login(t, srv)
	link := func(name string) string { return `<a href="/machines/` + name + `">` }
	for query, want := range map[string]struct{ has, not []string }{
		"": {[]string{link("bn01"), link("bn02"), link("bn03"), link("bn04"), link("bn06"), "memory · 1\u00a0h\u00a030\u00a0min left", "waits for the agent", "core 3 computed", "38 % below", "SSG-…",
			`<b>2</b><span><i></i>testing</span>`, `<b>1</b><span><i></i>failed</span>`, `<b>1</b><span><i></i>odd</span>`, `<b>1</b><span><i></i>passed</span>`, `<option>r2</option>`, `<option>SSG-640SP</option>`}, []string{link("bn05"), link("hv01"), "3 × 64 GiB"}},
		"?show=failed":         {[]string{link("bn02"), `href="/tests" aria-current="true"`}, []string{link("bn01"), link("bn03"), link("bn04")}},
		"?show=odd":            {[]string{link("bn03")}, []string{link("bn02")}},
		"?rack=r3":             {[]string{link("bn04"), link("bn06"), `<option selected>r3</option>`, "/tests?rack=r3&amp;show=failed"}, []string{link("bn01"), link("bn02"), link("bn03")}},
		"?model=other":         {[]string{"No machine that fits"}, []string{link("bn01")}},
		"?rack=r2&show=passed": {[]string{"No machine that fits"}, []string{link("bn04")}},
	} {
		res, body := page(t, c, srv.URL+"/tests"+query)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%q: %d", query, res.StatusCode)
		}
		shows(t, "/tests"+query, body, want.has, want.not)
		first := func(name string) int { return strings.Index(body, link(name)) }
		if query == "" && !slices.IsSorted([]int{first("bn01"), first("bn06"), first("bn02"), first("bn03"), first("bn04")}) {
			t.Error("the order is not: under test, failed, odd, passed")
		}
	}
	for _, query := range []string{"?show=nothing", "?rack=" + strings.Repeat("x", 1000)} {
		if res, _ := page(t, c, srv.URL+"/tests"+query); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%.30s: %d", query, res.StatusCode)
		}
	}
}
