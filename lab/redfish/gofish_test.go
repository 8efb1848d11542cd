package redfish_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stmcginnis/gofish"
	gofishredfish "github.com/stmcginnis/gofish/redfish"
)

// gofish connects this foreign client, with a session.
func (b *bench) gofish() *gofish.Service {
	b.t.Helper()
	c, err := gofish.ConnectContext(b.t.Context(), gofish.ClientConfig{Endpoint: b.url, Username: "admin", Password: "pw", Insecure: true})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Logout)
	return c.Service
}

// byID puts a collection in order: gofish asks for members side by side.
func byID[T any](all []T, id func(T) string) []T {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	return all
}

// must ends a test at an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (b *bench) gofishSystem() *gofishredfish.ComputerSystem {
	b.t.Helper()
	all := must[[]*gofishredfish.ComputerSystem](b.t)(b.gofish().Systems())
	if len(all) != 1 {
		b.t.Fatalf("%d systems", len(all))
	}
	return all[0]
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestGofishInventory(t *testing.T) {
	b := start(t, true)
	s := b.gofishSystem()
	cpus := must[[]*gofishredfish.Processor](t)(s.Processors())
	dimms := must[[]*gofishredfish.Memory](t)(s.Memory())
	nics := must[[]*gofishredfish.EthernetInterface](t)(s.EthernetInterfaces())
	mib := 0
	for _, d := range dimms {
		mib += d.CapacityMiB
	}
	if len(cpus) != 2 || mib != 1536 || len(nics) != 2 || byID(nics, func(n *gofishredfish.EthernetInterface) string { return n.ID })[1].MACAddress != "52:54:00:00:00:02" {
		t.Errorf("%d processors, %d MiB, %d cards", len(cpus), mib, len(nics))
	}
}

func TestGofishVirtualMedia(t *testing.T) {
	b := start(t, true)
	media := must[[]*gofishredfish.VirtualMedia](t)(must[[]*gofishredfish.Manager](t)(b.gofish().Managers())[0].VirtualMedia())
	cd := byID(media, func(m *gofishredfish.VirtualMedia) string { return m.ID })[0]
	check(t, cd.InsertMedia("http://198.18.0.1/ramdisk.iso", true, true))
	if err := cd.InsertMedia("http://198.18.0.1/other.iso", true, true); err == nil {
		t.Error("a second medium went into a full drive")
	}
	if got := b.bmc.Medium("CD"); got != "http://198.18.0.1/ramdisk.iso" {
		t.Error(got)
	}
	if a := b.want(200, "", "GET", cd.ODataID, ""); a.at("Inserted") != true || a.at("ImageName") != "ramdisk.iso" {
		t.Error(a.body)
	}
	check(t, cd.EjectMedia())
	check(t, cd.EjectMedia())
	if got := b.bmc.Medium("CD"); got != "" {
		t.Error(got)
	}
	b.want(400, "ActionParameterMissing", "POST", cd.ODataID+"/Actions/VirtualMedia.InsertMedia", `{}`)
	b.want(400, "ActionParameterValueFormatError", "POST", cd.ODataID+"/Actions/VirtualMedia.InsertMedia", `{"Image":"ramdisk.iso"}`)
}

func TestAttributeRegistry(t *testing.T) {
	b := start(t, true)
	b.want(200, "", "GET", "/redfish/v1/Registries/BiosAttributes", "")
	a := b.want(200, "", "GET", "/redfish/v1/Registries/BiosAttributes/registry", "")
	first := answer{body: a.at("RegistryEntries/Attributes").([]any)[1].(map[string]any)}
	if first.at("AttributeName") != "LogicalProc" || first.at("Type") != "Enumeration" || len(first.at("Value").([]any)) != 2 {
		t.Error(first.body)
	}
}
