package bmc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// altered lets a test change what a controller answers; alter returns nil for "not found".
func altered(t *testing.T, alter func(r *http.Request, o map[string]any) map[string]any) (*bmc.Driver, *peer) {
	p, _, g := redfishPeer(t)
	inner := g.next
	g.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		plain := r.Clone(r.Context())
		plain.URL.RawQuery = ""
		inner.ServeHTTP(rec, plain)
		body, _ := io.ReadAll(rec.Body)
		var o map[string]any
		if r.Method == http.MethodGet && json.Unmarshal(body, &o) == nil {
			if o = alter(r, o); o == nil {
				http.NotFound(w, r)
				return
			}
			body, _ = json.Marshal(o)
		}
		for k, v := range rec.Header() {
			if k != "Content-Length" {
				w.Header()[k] = v
			}
		}
		w.WriteHeader(rec.Code)
		_, _ = io.Copy(w, bytes.NewReader(body))
	})
	return bmc.New(quick), p
}

// TestRedfishNewSchemas: a controller of today has no Power and Thermal.
func TestRedfishNewSchemas(t *testing.T) {
	for _, expand := range []bool{false, true} {
		t.Run(fmt.Sprintf("expand %v", expand), func(t *testing.T) {
			asked, members := 0, map[string]any{}
			d, p := altered(t, func(r *http.Request, o map[string]any) map[string]any {
				asked++
				delete(o, "Power")
				delete(o, "Thermal")
				if strings.HasSuffix(r.URL.Path, "/Power") || strings.HasSuffix(r.URL.Path, "/Thermal") {
					return nil
				}
				if r.URL.Path == "/redfish/v1/" {
					o["ProtocolFeaturesSupported"] = map[string]any{"ExpandQuery": map[string]any{"NoLinks": expand}}
				}
				if id, _ := o["@odata.id"].(string); strings.Contains(id, "/Sensors/") {
					members[id] = o
				}
				if expand && r.URL.RawQuery != "" && strings.HasSuffix(r.URL.Path, "/Sensors") {
					var all []any
					for _, m := range o["Members"].([]any) {
						id := m.(map[string]any)["@odata.id"].(string)
						all = append(all, map[string]any{"@odata.id": id, "Name": id[strings.LastIndexByte(id, '/')+1:], "ReadingType": "Power", "Reading": "12.5", "ReadingUnits": "W"})
					}
					o["Members"] = all
				}
				return o
			})
			setPower(t, d, p, bmc.On, inventory.PowerOn)
			asked = 0
			all, err := d.Sensors(t.Context(), p.target)
			if err != nil {
				t.Fatal(err)
			}
			if s := one(t, all, "PSU1"); s.Kind != inventory.SensorSupply || s.Health != inventory.HealthOK {
				t.Errorf("%+v", s)
			}
			if expand {
				if s := one(t, all, "InletTemp"); *s.Value != 12.5 || len(members) > 0 {
					t.Errorf("%+v, %d members were asked for", s, len(members))
				}
				return
			}
			if s := one(t, all, "InletTemp"); s.Unit != "Cel" || *s.HighCaution != 42 || *s.HighCritical != 47 {
				t.Errorf("%+v", s)
			}
			if s := one(t, all, "Fan1Speed"); s.Kind != inventory.SensorFan || *s.Value < 6000 {
				t.Errorf("%+v", s)
			}
			if w, err := d.PowerDraw(t.Context(), p.target); err != nil || w < 100 {
				t.Errorf("%v W, %v", w, err)
			}
			t.Log(asked, "questions")
			if v, err := d.Vitals(t.Context(), p.target, inventory.LogMark{}); err != nil || len(v.PSUs) != 2 || v.PSUs[1] != virtualPSU("PSU2") {
				t.Errorf("power supplies %+v, %v", v.PSUs, err)
			}
		})
	}
}

// virtualPSU is a power supply of the emulator.
func virtualPSU(name string) inventory.Supply {
	return inventory.Supply{Bay: name, Model: "Virtual PSU", Vendor: "Socle", PartNumber: "LAB-PSU", Serial: "SN-1-" + name, Watts: 800, Present: true}
}

// TestRedfishPowerSupplies are told with what they are, from schema Power; a bay may be empty, and those of an enclosure with several
// servers belong to none of them.
func TestRedfishPowerSupplies(t *testing.T) {
	shared := false
	d, p := altered(t, func(r *http.Request, o map[string]any) map[string]any {
		if list, ok := o["PowerSupplies"].([]any); ok && strings.HasSuffix(r.URL.Path, "/Power") {
			list[0].(map[string]any)["Status"] = map[string]any{"State": "Absent"}
			list[1].(map[string]any)["PowerCapacityWatts"] = nil
			list[1].(map[string]any)["Model"] = 750 // no text
			list[1].(map[string]any)["Manufacturer"] = "So\u0007cle\n"
		}
		if links, ok := o["Links"].(map[string]any); ok && shared && strings.Contains(r.URL.Path, "/Chassis/") {
			links["ComputerSystems"] = []any{map[string]any{"@odata.id": "/redfish/v1/Systems/a"}, map[string]any{"@odata.id": "/redfish/v1/Systems/b"}}
		}
		return o
	})
	there := virtualPSU("PSU2")
	there.Watts, there.Vendor, there.Model = 0, "So cle", ""
	want := []inventory.Supply{{Bay: "PSU1"}, there}
	for _, want := range [][]inventory.Supply{want, nil} {
		v, err := d.Vitals(t.Context(), p.target, inventory.LogMark{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, v.PSUs, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("shared %v (-want +got):\n%s", shared, diff)
		}
		shared = true
	}
}

// TestRedfishOldLight: the light is called IndicatorLED, and only the chassis has it.
func TestRedfishOldLight(t *testing.T) {
	d, p := altered(t, func(r *http.Request, o map[string]any) map[string]any {
		delete(o, "LocationIndicatorActive")
		if strings.HasPrefix(r.URL.Path, "/redfish/v1/Systems/") {
			delete(o, "IndicatorLED")
		}
		return o
	})
	for _, on := range []bool{true, false} {
		want := map[bool]inventory.Locator{true: inventory.LocatorOn, false: inventory.LocatorOff}[on]
		if got, err := d.Locate(t.Context(), p.target, on, 0); err != nil || got != want || fmt.Sprint(on) != p.vitals.located(t)[0] {
			t.Errorf("on %v: %q, %v", on, got, err)
		}
	}
}

// TestRedfishLogPages: a log of links in pages, the oldest first.
func TestRedfishLogPages(t *testing.T) {
	d, p := altered(t, func(r *http.Request, o map[string]any) map[string]any {
		if !strings.HasSuffix(r.URL.Path, "/Entries") {
			return o
		}
		all := o["Members"].([]any)
		var page []any
		for i := range all {
			m := all[len(all)-1-i].(map[string]any)
			page = append(page, map[string]any{"@odata.id": m["@odata.id"]})
		}
		from := 0
		_, _ = fmt.Sscanf(r.URL.RawQuery, "$skip=%d", &from)
		o["Members"] = page[min(from, len(page)):min(from+2, len(page))]
		if from+2 < len(page) {
			o["Members@odata.nextLink"] = fmt.Sprintf("%s?$skip=%d", r.URL.Path, from+2)
		}
		return o
	})
	for range 5 {
		p.vitals.supply(t)
	}
	all, mark, err := d.EventLog(t.Context(), p.target, inventory.LogMark{})
	if err != nil || len(all) != 5 || all[0].ID != "1" || all[4].ID != "5" || mark.ID != "5" {
		t.Fatalf("%+v, %+v, %v", all, mark, err)
	}
	p.vitals.heat(t)
	if v, err := d.Vitals(t.Context(), p.target, mark); err != nil || len(v.Log) != 1 || v.Mark.ID != "6" {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestRedfishShapes: what every model of the emulator tells is understood.
func TestRedfishShapes(t *testing.T) {
	for _, name := range redfish.Shapes() {
		t.Run(name, func(t *testing.T) {
			b, to := modelled(t, name)
			d := bmc.New(quick)
			if err := b.SetHealth("PSU2", redfish.Warning); err != nil {
				t.Fatal(err)
			}
			v, err := d.Vitals(t.Context(), to, inventory.LogMark{})
			if err != nil || v.Health() != inventory.HealthWarning || v.Watts == nil || len(v.Notes) > 0 || v.Mark.IsZero() {
				t.Errorf("%+v, %v", v, err)
			}
			if all, err := d.Firmware(t.Context(), to); err != nil || len(all) < 2 {
				t.Errorf("firmware %+v, %v", all, err)
			}
			if l, err := d.Locate(t.Context(), to, true, 0); err != nil || l != inventory.LocatorOn || !b.Located() {
				t.Errorf("light %q, %v", l, err)
			}
			if log, _, err := d.EventLog(t.Context(), to, inventory.LogMark{}); err != nil || len(log) != 1 || log[0].Health != inventory.HealthWarning {
				t.Errorf("log %+v, %v", log, err)
			}
			if err := d.ClearLog(t.Context(), to); err != nil || len(b.Log()) != 0 {
				t.Errorf("clearing: %v", err)
			}
		})
	}
}

// modelled serves a controller of one model, which wants tags with changes.
func modelled(t *testing.T, name string) (*redfish.BMC, bmc.Target) {
	shape, err := redfish.ShapeByName(name)
	if err != nil {
		t.Fatal(err)
	}
	shape.Quirks.NeedsIfMatch = true
	b := redfish.New(redfish.Options{
		Machine: redfishtest.NewVM(redfish.Description{Name: "hv01", Serial: "SN-1", UEFI: true}), User: "admin", Password: secret.New(password), Shape: shape,
	})
	return b, bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: serve(t, b), User: "admin", Password: secret.New(password)}
}
