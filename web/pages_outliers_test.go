package web_test

import (
	"net/http"
	"strings"
	"testing"

	"socle/api"
)

// TestOutliersPage shows who is odd and how values are spread; of a large fleet only the odd ones come one by one.
func TestOutliersPage(t *testing.T) {
	world, srv := start(t)
	world.FindOdd(api.OutlierReport{
		Compared: 1200,
		Findings: []api.OutlierFinding{{Machine: "hv01", Kind: "slow", Subject: "disk <sdb>", Reason: "random write 38 % below", Remedy: "replace it", Serial: "D1"}},
		Groups: []api.OutlierGroup{
			{Metric: "disk.write.random", Position: "ST4000 #2", Unit: "1/s", Peers: "equal hardware", Count: 1200, Low: 400, Median: 680, High: 700, Spread: 0.01, Limit: 0.12, Histogram: []int{1, 0, 0, 1199},
				Values: []api.OutlierValue{{Machine: "hv01", Subject: "sdb", Value: 400, Distance: 0.41, Odd: true, Before: []api.OutlierReading{{Value: 690}}}}},
			{Metric: "cpu.temperature", Peers: "equal CPUs", LowerIsBetter: true, Count: 2, Low: 60, Median: 61, High: 62, Limit: 0.2, Histogram: []int{1, 1}, Values: []api.OutlierValue{}},
		},
		Notes: []api.OutlierNote{{Machines: "st[01-02]", About: "cpu.ops", Why: "1 peer to compare with, 3 are needed"}},
	})
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/outliers")
	for _, want := range []string{
		"1200 machines compared", `<a href="/machines/hv01">hv01</a>`, "disk &lt;sdb&gt;", "replace it", `class="odd"><title>hv01 sdb: 400 1/s</title>`, "1199 near 662.5 1/s",
		"median 680 1/s", "odd beyond 12 %", "before: 690", "1 more group of values", "st[01-02]",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if strings.Contains(body, "1 near") {
		t.Error("the odd value has a second dot")
	}
	if strings.Contains(body, "cpu.temperature") {
		t.Error("groups without odd values are to be named before they are shown")
	}
	if _, body := page(t, c, srv.URL+"/outliers?metric=cpu"); !strings.Contains(body, "cpu.temperature") || !strings.Contains(body, `value="cpu"`) {
		t.Error("a named metric is shown whole")
	}
	if res, _ := page(t, c, srv.URL+"/outliers?metric="+strings.Repeat("x", 129)); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a long name: %d", res.StatusCode)
	}
}
