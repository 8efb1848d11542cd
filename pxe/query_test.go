package pxe

import (
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestClientOf(t *testing.T) {
	at := netip.MustParseAddr("192.0.2.1") // httptest's client
	for _, tc := range []struct {
		name, query string
		want        Client
	}{
		{"BIOS", "mac=52:54:00:00:00:0a&uuid=11223344-5566-7788-99AA-bbccddeeff00&arch=i386&platform=pcbios&serial=SN%201&asset=",
			Client{MAC: "52:54:00:00:00:0a", UUID: "11223344-5566-7788-99aa-bbccddeeff00", Serial: "SN 1", Arch: ArchBIOS}},
		{"UEFI", "mac=52:54:00:00:00:0a&uuid=&arch=x86_64&platform=efi&serial=S&asset=A", Client{MAC: "52:54:00:00:00:0a", Serial: "S", AssetTag: "A", Arch: ArchEFIX64}},
		{"a serial with what iPXE does not escape", "mac=52:54:00:00:00:0a&arch=i386&platform=pcbios&serial=a&b;c+d=e%22&asset=T",
			Client{MAC: "52:54:00:00:00:0a", Serial: `a&b;c+d=e"`, AssetTag: "T", Arch: ArchBIOS}},
		{"a serial that wants to be another machine", "mac=52:54:00:00:00:0a&arch=i386&platform=pcbios&serial=x&mac=52:54:00:ff:ff:ff&platform=efi&asset=T",
			Client{MAC: "52:54:00:00:00:0a", Serial: "x&mac=52:54:00:ff:ff:ff&platform=efi", AssetTag: "T", Arch: ArchBIOS}},
		{"two MACs", "mac=52:54:00:00:00:0a&mac=52:54:00:00:00:0b", Client{MAC: "52:54:00:00:00:0a", Arch: ArchUnknown}},
		{"bad parts are dropped", "mac=zz&uuid=%0a&serial=a%0ab&asset=%zz", Client{Arch: ArchUnknown}},
		{"too long a serial", "mac=52:54:00:00:00:0a&serial=" + strings.Repeat("x", 200) + "&asset=", Client{MAC: "52:54:00:00:00:0a", Arch: ArchUnknown}},
		{"too long a query", "mac=52:54:00:00:00:0a&serial=" + strings.Repeat("x", 1<<20) + "&asset=", Client{Arch: ArchUnknown}},
		{"no UTF-8", "mac=52:54:00:00:00:0a&serial=%ff%fe&asset=", Client{MAC: "52:54:00:00:00:0a", Arch: ArchUnknown}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.want.Addr, tc.want.IPXE = at, true
			r := httptest.NewRequest("GET", "/boot/script.ipxe", nil)
			r.URL = &url.URL{Path: "/boot/script.ipxe", RawQuery: tc.query}
			if d := cmp.Diff(tc.want, clientOf(r), cmpopts.EquateComparable(netip.Addr{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// FuzzScript sends queries through the whole handler: the answer is a script that is the same for every
// query but for the MAC.
func FuzzScript(f *testing.F) {
	f.Add("mac=52:54:00:00:00:0a&uuid=x&arch=i386&platform=pcbios&serial=a&b;c&asset=")
	f.Add("mac=%0a%0achain&serial=${x}&asset=%22")
	f.Add("&&&&asset=&serial=&asset=%")
	h, err := NewHTTP(HTTPOptions{BootURL: testBase, Planner: planner{plan: Plan{}, err: ErrUnknown}, Files: files{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/boot/script.ipxe", nil)
		r.URL.RawQuery = query
		c := clientOf(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		name := scriptUnknown
		if c.MAC == "" {
			name = scriptAnonymous
		}
		s, _ := newScript(testBase, Client{MAC: c.MAC}, Plan{})
		want, _ := render(name, s)
		if w.Code != 200 || w.Body.String() != string(want) {
			t.Errorf("%d\n%s", w.Code, w.Body)
		}
	})
}
