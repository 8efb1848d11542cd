package app

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"socle/api"
	"socle/internal/config"
	"socle/internal/depot"
)

// TestFirmwareServed is a whole server: it keeps baselines, refuses wrong ones with all errors, and hands firmware to BMCs
// without a login.
func TestFirmwareServed(t *testing.T) {
	c := config.Default()
	c.DataDir, c.Listen, c.Boot.Listen, c.Services = t.TempDir(), freeAddr(t), freeAddr(t), []string{"api", "boot"}
	client, _ := serve(t, c)
	ctx := t.Context()
	_, err := client.PutBaseline(ctx, strings.NewReader("name: X\nrules:\n  - component: BIOS\n"))
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 3 || p.Errors[0].Location != "line 1, name" {
		t.Errorf("%v: %+v", err, p)
	}
	const text = "name: autumn\nrules:\n  - {model: \"*\", component: BIOS, at_least: 2.10}\n"
	for range 2 { // the same again makes no version
		b, err := client.PutBaseline(ctx, strings.NewReader(text))
		if err != nil || b.Version != 1 || b.Name != "autumn" {
			t.Errorf("%+v, %v", b, err)
		}
	}
	if b, err := client.Baseline(ctx, "autumn", 0); err != nil || b.Text != text {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := client.UpdateFirmware(ctx, api.UpdateRequest{Machines: []string{"nobody"}}); !errors.As(err, &p) || p.Status != http.StatusNotFound {
		t.Error(err)
	}
	if _, err := client.Campaign(ctx, "newest"); !errors.As(err, &p) || p.Status != http.StatusNotFound {
		t.Error(err)
	}
	d, err := depot.Open(filepath.Join(c.DataDir, "firmware"))
	must(t, err)
	digest, _, err := d.Add(strings.NewReader("firmware"))
	must(t, err)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Boot.Listen+depot.Path(digest, "bios.exe"), nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { must(t, resp.Body.Close()) }()
	if got, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || string(got) != "firmware" {
		t.Errorf("%s: %q, %v", resp.Status, got, err)
	}
}
