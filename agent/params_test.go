package agent

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseParams(t *testing.T) {
	ca := strings.Repeat("0a", 32)
	usual := "BOOT_IMAGE=vmlinuz quiet socle.server=https://198.18.0.1:8443/ socle.token=t0k=en socle.ca=" + ca
	want := Params{Server: "https://198.18.0.1:8443", Token: "t0k=en", CA: ca}
	with := func(change func(*Params)) Params {
		p := want
		change(&p)
		return p
	}
	for name, tc := range map[string]struct {
		cmdline string
		want    Params
		says    []string
	}{
		"usual":       {usual, want, nil},
		"hyphens":     {usual + " BOOTIF=52-54-00-AB-cd-01", with(func(p *Params) { p.MAC = "52:54:00:ab:cd:01" }), nil},
		"with type":   {usual + " BOOTIF=01-52-54-00-ab-cd-01", with(func(p *Params) { p.MAC = "52:54:00:ab:cd:01" }), nil},
		"odd MAC":     {usual + " BOOTIF=eth0", want, nil},
		"name":        {usual + " socle.name=hv01\n", with(func(p *Params) { p.Name = "hv01" }), nil},
		"fingerprint": {strings.Replace(usual, ca, strings.TrimSuffix(strings.Repeat("0A:", 32), ":"), 1), want, nil},
		"static": {usual + " socle.addr=198.18.0.7/24,198.18.0.1",
			with(func(p *Params) {
				p.Address, p.Gateway = netip.MustParsePrefix("198.18.0.7/24"), netip.MustParseAddr("198.18.0.1")
			}), nil},
		"static without gateway": {usual + " socle.addr=198.18.0.7/24", with(func(p *Params) { p.Address = netip.MustParsePrefix("198.18.0.7/24") }), nil},
		"static without prefix":  {usual + " socle.addr=198.18.0.7", want, []string{"socle.addr"}},
		"nothing":                {"quiet", Params{}, []string{"socle.server", "socle.token", "socle.ca"}},
		"http":                   {strings.Replace(usual, "https:", "http:", 1), with(func(p *Params) { p.Server = "http://198.18.0.1:8443" }), []string{"must be an https://"}},
	} {
		got, err := ParseParams(tc.cmdline)
		if diff := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if (err != nil) != (len(tc.says) > 0) {
			t.Errorf("%s: error %v", name, err)
		}
		for _, s := range tc.says {
			if err != nil && !strings.Contains(err.Error(), s) {
				t.Errorf("%s: error %v does not name %s", name, err, s)
			}
		}
	}
}
