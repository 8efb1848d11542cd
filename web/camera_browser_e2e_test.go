//go:build e2e

package web_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"socle/inventory"
)

// film writes a picture as what a camera sees (YUV4MPEG2, which Chromium's fake camera plays again and again).
func film(t *testing.T, text string) string {
	t.Helper()
	img := label(t, text)
	var b bytes.Buffer
	fmt.Fprintf(&b, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420\n", img.Rect.Dx(), img.Rect.Dy())
	grey := bytes.Repeat([]byte{128}, img.Rect.Dx()*img.Rect.Dy()/2)
	for range 2 {
		b.WriteString("FRAME\n")
		b.Write(img.Pix)
		b.Write(grey)
	}
	path := filepath.Join(t.TempDir(), "label.y4m")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCameraE2E: in a real browser whose camera sees a label, the form is filled with what is on it, and the server is racked.
func TestCameraE2E(t *testing.T) {
	world, srv := start(t)
	world.Put(inventory.Machine{ID: "id-n1", Name: "n1", State: inventory.Expected, InPlan: true, Place: inventory.Place{Site: "lab", Rack: "r7", U: 1}, Identity: inventory.Identity{Serial: "SN-n1"}})
	ctx := browser(t, srv.URL, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film(t, "SN-n1")))
	steps(ctx, t, chromedp.EmulateViewport(390, 844), chromedp.Navigate(srv.URL+"/places/rack?rack=r7"))
	t.Logf("this browser reads codes itself: %v", eval[bool](ctx, t, `"BarcodeDetector" in window`))
	eval[bool](ctx, t, `window.refused = [], document.addEventListener("securitypolicyviolation", e => window.refused.push(e.blockedURI + " " + e.violatedDirective)), true`)
	eventually(ctx, t, `!document.getElementById("camera").hidden`)
	steps(ctx, t, chromedp.Click(chromedp.CSS("#camera button")))
	eventually(ctx, t, `document.querySelector("form.scan [name=code]").value === "SN-n1"`)
	eventually(ctx, t, `document.querySelector("#camera video").hidden && document.querySelector("#camera video").srcObject === null`)
	if v := eval[string](ctx, t, `window.refused.join("; ")`); v != "" {
		t.Errorf("the policy refused %s", v)
	}
	if wide := eval[int](ctx, t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
		t.Errorf("on a phone the page is %d pixels wider than the window", wide)
	}
	steps(ctx, t, chromedp.Click(chromedp.CSS("form.scan button")), chromedp.WaitVisible(chromedp.CSS(".note.good")))
	if calls := strings.Join(world.Calls(), "\n"); calls != "token:admin racked n1" {
		t.Errorf("calls %q", calls)
	}
}
