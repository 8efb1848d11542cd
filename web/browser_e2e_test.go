//go:build e2e

package web_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"socle/inventory"
	"socle/web/webtest"
)

// browser starts a Chromium that logs in on the server.
func browser(t *testing.T, server string, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	bin, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("this test needs Debian's chromium: %v", err)
	}
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(bin), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage", "ignore-certificate-errors",
	} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(opts, more...)...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() { cancel(); stop() })
	steps(ctx, t) // the first call's context owns the browser, so it has no deadline
	timed, end := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(end)
	steps(timed, t,
		chromedp.EmulateViewport(1400, 900), chromedp.Navigate(server+"/"),
		chromedp.SendKeys(chromedp.CSS("#token"), webtest.AdminToken+"\r"), chromedp.WaitVisible(chromedp.CSS("#machines")))
	return timed
}

func steps(ctx context.Context, t *testing.T, list ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, list...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](ctx context.Context, t *testing.T, js string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

// eventually waits until an expression is true in the page.
func eventually(ctx context.Context, t *testing.T, js string) {
	t.Helper()
	for range 100 {
		if eval[bool](ctx, t, js) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Errorf("%s did not become true; the page says:\n%.2000s", js, eval[string](ctx, t, "document.body.innerText"))
}

// TestBrowserLiveE2E: an open page follows what happens, and what a person types or has opened stays.
func TestBrowserLiveE2E(t *testing.T) {
	world, srv := start(t)
	ctx := browser(t, srv.URL)
	eventually(ctx, t, `document.getElementById("live").dataset.state === "on"`)
	m, err := world.Machine(ctx, "st02")
	if err != nil {
		t.Fatal(err)
	}
	m.State, m.Step = inventory.Deploying, "write-image"
	world.Put(m)
	world.Append(inventory.Event{Time: time.Now(), Machine: m.ID, Name: m.Name, Actor: "provision", Kind: "state", Reason: "deploy a role, said the test"})
	eventually(ctx, t, `/st02[\s\S]*write image/.test(document.getElementById("machines").innerText)`)
	eventually(ctx, t, `document.getElementById("events").innerText.includes("said the test")`)
	eventually(ctx, t, `document.getElementById("announce").textContent.includes("said the test")`)

	steps(ctx, t, chromedp.Navigate(srv.URL+"/machines/hv01"), chromedp.SendKeys(chromedp.CSS("[name=reason]"), "half a rea"))
	eval[bool](ctx, t, `document.querySelector("#hardware details").open = true`)
	hv1, err := world.Machine(ctx, "hv01")
	if err != nil {
		t.Fatal(err)
	}
	hv1.Step = "a step of the test"
	hv1.Facts.Kernel = "a kernel of the test"
	world.Put(hv1)
	eventually(ctx, t, `document.getElementById("hero").innerText.includes("a step of the test")`)
	eventually(ctx, t, `document.getElementById("hardware").innerText.includes("a kernel of the test")`)
	if got := eval[string](ctx, t, `document.querySelector("[name=reason]").value`); got != "half a rea" {
		t.Errorf("what was typed became %q", got)
	}
	if !eval[bool](ctx, t, `document.querySelector("#hardware details").open`) {
		t.Error("what was opened is closed")
	}
	steps(ctx, t, chromedp.SendKeys(chromedp.CSS("[name=reason]"), "son\r"), chromedp.WaitVisible(chromedp.CSS(".note.hold")))
	if calls := strings.Join(world.Calls(), "\n"); calls != "token:admin hold hv01" {
		t.Errorf("calls %q", calls)
	}
}

// TestBrowserHostileE2E: a real browser runs nothing of what a server says of itself, loads nothing from elsewhere, and
// its policy finds nothing to refuse on our own pages.
func TestBrowserHostileE2E(t *testing.T) {
	world, srv := start(t)
	world.FillHostile(1 << 20)
	ctx := browser(t, srv.URL)
	for _, path := range []string{"/", "/machines/id-hostile", "/machines/hv01"} {
		steps(ctx, t, chromedp.Navigate(srv.URL+path))
		eval[bool](ctx, t, `window.refused = [], document.addEventListener("securitypolicyviolation", e => window.refused.push(e.blockedURI + " " + e.violatedDirective)), true`)
		seen := eval[string](ctx, t, `document.getElementById("main").innerText.slice(0, 40)`)
		world.Append(inventory.Event{Time: time.Now(), Name: webtest.Hostile(1 << 20), Machine: "id-hostile", Kind: "order", Reason: webtest.Hostile(1 << 20)})
		eventually(ctx, t, `document.getElementById("live").dataset.state === "on"`)
		steps(ctx, t, chromedp.Sleep(2*time.Second)) // the page takes the new event over by script
		if eval[bool](ctx, t, `"pwned" in window`) {
			t.Errorf("GET %s ran what a server said", path)
		}
		if n := eval[int](ctx, t, `document.querySelectorAll("main script, main img, main base, main style, main [onload], main [onerror]").length`); n != 0 {
			t.Errorf("GET %s has %d hostile elements", path, n)
		}
		if v := eval[string](ctx, t, `window.refused.join("; ")`); v != "" {
			t.Errorf("GET %s: the policy refused %s", path, v)
		}
		if urls := eval[string](ctx, t, `performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith(location.origin)).join(" ")`); urls != "" {
			t.Errorf("GET %s loaded %s", path, urls)
		}
		if wide := eval[int](ctx, t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			t.Errorf("GET %s is %d pixels wider than the window (it begins %q)", path, wide, seen)
		}
	}
	steps(ctx, t, chromedp.EmulateViewport(390, 844))
	for _, path := range []string{"/", "/machines/hv01", "/machines/hv02", "/machines/id-hostile"} {
		steps(ctx, t, chromedp.Navigate(srv.URL+path))
		if wide := eval[int](ctx, t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			t.Errorf("on a phone %s is %d pixels wider than the window", path, wide)
		}
	}
}
