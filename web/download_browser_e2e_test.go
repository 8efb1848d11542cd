//go:build e2e

package web_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"socle/inventory"
)

// clickAway clicks a link that is a download, and returns the name and the content of the file that the browser kept.
func clickAway(ctx context.Context, t *testing.T, link string) (name, content string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := chromedp.Call(ctx, cdp.SetDownloadBehavior, cdp.SetDownloadBehaviorParams{Behavior: cdp.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}); err != nil {
		t.Fatal(err)
	}
	steps(ctx, t, chromedp.Click(chromedp.CSS(link)))
	for range 300 {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 1 && !strings.HasSuffix(files[0], ".crdownload") {
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > 0 {
				return filepath.Base(files[0]), string(text)
			}
		}
		select {
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("a click on %s downloads nothing", link)
	return "", ""
}

// fits tells whether a page is no wider than the window.
func fits(ctx context.Context, t *testing.T) {
	t.Helper()
	if wide := eval[int](ctx, t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
		t.Errorf("%s is %d pixels wider than the window", eval[string](ctx, t, "location.href"), wide)
	}
}

// shoot keeps a picture of the page where SOCLE_PICTURES says, for people to look at.
func shoot(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("SOCLE_PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestBrowserCertificatesE2E: with a mouse only, verdicts are written down, and the certificate is read, checked and kept, on a
// desk and on a phone.
func TestBrowserCertificatesE2E(t *testing.T) {
	world, srv := start(t)
	world.Find(inventory.Findings{Machine: "id-hv01", Source: inventory.FromParts, List: []inventory.Finding{
		{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM A1", Reason: "DIMM A1: 16 GiB of ACME, part number 36ASF8G72PZ-3G2E1, was ordered, the slot is empty"}}})
	ctx := browser(t, srv.URL)
	rack := url.QueryEscape(rackOf(t, world, "hv01"))
	for n, width := range []int64{1280, 390} {
		steps(ctx, t, chromedp.EmulateViewport(width, 900), chromedp.Navigate(srv.URL+"/acceptance?rack="+rack), chromedp.Click(chromedp.CSS(`#certify summary`)))
		fits(ctx, t)
		shoot(ctx, t, fmt.Sprintf("acceptance-%d", width))
		steps(ctx, t, chromedp.Click(chromedp.CSS(`[name=as_is]`)), chromedp.SendKeys(chromedp.CSS(`[name=note]`), "seen by both sides\r"), chromedp.WaitVisible(chromedp.CSS("#proofs")))
		eventually(ctx, t, fmt.Sprintf(`location.pathname === "/certificates/%d" && document.body.innerText.includes("It is as it was signed") && document.body.innerText.includes("seen by both sides")`, n+1))
		fits(ctx, t)
		shoot(ctx, t, fmt.Sprintf("certificate-%d", width))
		file, err := world.IssuedCertificate(t.Context(), int64(n+1))
		if err != nil {
			t.Fatal(err)
		}
		if name, text := clickAway(ctx, t, `a[href$="/json"]`); text != string(file) || name != fmt.Sprintf("certificate-%d.json", n+1) {
			t.Errorf("%s is not the file that was signed", name)
		}
		if name, text := clickAway(ctx, t, `a[href$="/pdf"]`); !strings.HasPrefix(text, "%PDF-") || name != fmt.Sprintf("certificate-%d.pdf", n+1) {
			t.Errorf("%s is no PDF: %.20q", name, text)
		}
		steps(ctx, t, chromedp.Navigate(srv.URL+"/certificates"), chromedp.WaitVisible(chromedp.CSS("#issued table")))
		fits(ctx, t)
		shoot(ctx, t, fmt.Sprintf("certificates-%d", width))
	}
}

// TestBrowserPapersE2E: the labels of a rack, and what its vendors are to replace, are kept by clicks, on a desk and on a phone.
func TestBrowserPapersE2E(t *testing.T) {
	world, srv := start(t)
	ctx := browser(t, srv.URL)
	rack := url.QueryEscape(rackOf(t, world, "hv01"))
	for _, width := range []int64{1280, 390} {
		steps(ctx, t, chromedp.EmulateViewport(width, 900), chromedp.Navigate(srv.URL+"/places/rack?rack="+rack), chromedp.WaitVisible(chromedp.CSS("#undone")))
		fits(ctx, t)
		for format, link := range map[string]string{"pdf": `a[href$="format=pdf"]`, "zpl": `a[href$="format=zpl"]`} {
			if name, text := clickAway(ctx, t, link); name != "labels."+format || !strings.Contains(text, "Rack:"+rackOf(t, world, "hv01")) {
				t.Errorf("the labels are %s: %.80q", name, text)
			}
		}
		steps(ctx, t, chromedp.Click(chromedp.CSS(`a[href^="/rma?rack="]`)), chromedp.WaitVisible(chromedp.CSS("#claims table")))
		fits(ctx, t)
		shoot(ctx, t, fmt.Sprintf("rma-%d", width))
		for format, link := range map[string]string{"csv": `a[href*="format=csv"][href*="vendor=HP"]`, "pdf": `a[href*="format=pdf"][href*="vendor=HP"]`} {
			if name, text := clickAway(ctx, t, link); name != "rma."+format || text != "the list of HP" {
				t.Errorf("the list for the vendor is %s: %.80q", name, text)
			}
		}
		steps(ctx, t, chromedp.Navigate(srv.URL+"/compare?machines=hv01"), chromedp.WaitVisible(chromedp.CSS("#servers table")))
		fits(ctx, t)
		shoot(ctx, t, fmt.Sprintf("compare-%d", width))
		if name, text := clickAway(ctx, t, `a[href^="/compare/file?"]`); name != "compare.csv" || !strings.Contains(text, "\nhv01,PO-1,") {
			t.Errorf("the comparison is %s: %.80q", name, text)
		}
	}
}
