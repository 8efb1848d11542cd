//go:build e2e

package web_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"socle/inventory"
	"socle/web/webtest"
)

// TestBrowserTestsE2E: open pages follow the tests, a click ends and begins them, and nothing is wider than a phone, whatever is measured.
func TestBrowserTestsE2E(t *testing.T) {
	world, srv := start(t)
	world.FillTests()
	hostile := webtest.Hostile(1 << 10)
	world.Measure(inventory.Measurement{Machine: "id-bn03", Run: hostile, Time: time.Now(), Metric: hostile, Subject: hostile, Part: hostile, Unit: hostile, Value: math.MaxFloat64},
		inventory.Measurement{Machine: "id-bn03", Run: "r2", Time: time.Now(), Metric: strings.Repeat("metric.", 14), Subject: strings.Repeat("x", 200), Value: math.MaxFloat64},
		inventory.Measurement{Machine: "id-bn03", Run: "r3", Time: time.Now(), Metric: strings.Repeat("metric.", 14), Subject: strings.Repeat("x", 200), Value: -math.MaxFloat64})
	ctx := browser(t, srv.URL)
	orders, err := world.Orders(ctx, "id-bn01")
	if err != nil {
		t.Fatal(err)
	}
	o := orders[slices.IndexFunc(orders, func(o inventory.Order) bool { return !o.State.Final() })]
	steps(ctx, t, chromedp.Navigate(srv.URL+"/machines/bn01"))
	eventually(ctx, t, `document.getElementById("live").dataset.state === "on" && document.querySelector(".steps .now").innerText.includes("memory")`)
	o.Done = 9000
	world.PutOrder(o)
	eventually(ctx, t, `document.querySelector(".steps .now").innerText.includes("disk") && document.querySelectorAll(".steps .done").length === 2`)
	steps(ctx, t, chromedp.Navigate(srv.URL+"/tests"))
	eventually(ctx, t, `document.getElementById("live").dataset.state === "on" && document.querySelector("#tested progress").value === 83`)
	o.Done = 10000
	world.PutOrder(o)
	eventually(ctx, t, `document.querySelector("#tested progress").value === 92`)

	steps(ctx, t, chromedp.EmulateViewport(390, 844))
	for _, path := range []string{"/tests", "/machines/bn01", "/machines/bn03", "/machines/bn01/tests", "/machines/bn02/tests", "/machines/bn03/tests"} {
		steps(ctx, t, chromedp.Navigate(srv.URL+path))
		eval[bool](ctx, t, `document.querySelectorAll("details").forEach(d => d.open = true), true`)
		if wide := eval[int](ctx, t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			t.Errorf("on a phone %s is %d pixels wider than the window", path, wide)
		}
		if eval[bool](ctx, t, `"pwned" in window || /NaN|Infinity/.test(document.getElementById("main").innerHTML)`) {
			t.Errorf("%s ran or drew what it should not", path)
		}
	}
	steps(ctx, t, chromedp.Navigate(srv.URL+"/machines/bn01/tests"))
	eval[bool](ctx, t, `window.before = true, document.querySelector("#testing button").click(), true`)
	called(ctx, t, world, "token:admin stop-test bn01")
	steps(ctx, t, chromedp.Navigate(srv.URL+"/machines/bn04"))
	eval[bool](ctx, t, `window.before = true, document.querySelector("#testing select").value = "short", document.querySelector("#testing button").click(), true`)
	called(ctx, t, world, "token:admin test short bn04")

	m, err := world.Machine(ctx, "bn04")
	if err != nil {
		t.Fatal(err)
	}
	steps(ctx, t, chromedp.Navigate(srv.URL+"/machines/bn04"), chromedp.Click(chromedp.CSS("#testing summary")), chromedp.WaitVisible(chromedp.CSS("#testing [name=serial]")))
	fits(ctx, t)
	shoot(ctx, t, "writing")
	for range m.Facts.Disks[1:] { // the first one alone
		eval[bool](ctx, t, `Array.from(document.querySelectorAll("#testing [name=disk]:checked")).pop().checked = false, true`)
	}
	steps(ctx, t, chromedp.SendKeys(chromedp.CSS("#testing [name=serial]"), m.Serial()+"\r"))
	called(ctx, t, world, "token:admin test writing to "+m.Facts.Disks[0].Serial+" of "+m.Serial()+" bn04")
}

// called waits until a click has come to the server, and the page has come back.
func called(ctx context.Context, t *testing.T, world *webtest.World, call string) {
	t.Helper()
	for range 100 {
		if slices.Contains(world.Calls(), call) {
			eventually(ctx, t, `!window.before && document.readyState === "complete"`)
			return
		}
		steps(ctx, t, chromedp.Sleep(100*time.Millisecond))
	}
	t.Errorf("what was done: %q, want %q", world.Calls(), call)
}
