package bmc_test

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
)

// FuzzRedfishAnswers: whatever a controller answers, the call ends with a value or an error.
func FuzzRedfishAnswers(f *testing.F) {
	f.Add([]byte(`{"@odata.id":"/redfish/v1/","Systems":{"@odata.id":"/redfish/v1/Systems"},"Members":[{"@odata.id":"/redfish/v1/Systems/1"}],"PowerState":"On","Boot":{}}`))
	f.Add([]byte(`{"Systems":{"@odata.id":"/x"},"Members":[null],"Links":null,"Boot":null}`))
	f.Add([]byte(`{"Systems":{"@odata.id":"/s"},"Members":[{"@odata.id":"/s"}],"Members@odata.nextLink":"/s","PowerState":"On","Links":{"Chassis":[{"@odata.id":"/c"}],"ManagedBy":[{"@odata.id":"/m"}]},
		"Thermal":{"@odata.id":"/t"},"Temperatures":[{"Name":"x","ReadingCelsius":"1e999"}],"LogServices":{"@odata.id":"/l"},"Id":"SEL","Entries":{"@odata.id":"/e"}}`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`{"error":{"@Message.ExtendedInfo":[{}]}}`))
	f.Add([]byte(`null`))
	var body atomic.Value
	addr := serve(f, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Auth-Token", "t")
		w.Header().Set("Location", "/redfish/v1/SessionService/Sessions/1")
		_, _ = w.Write(body.Load().([]byte))
	}))
	f.Fuzz(func(t *testing.T, answer []byte) {
		body.Store(answer)
		d := bmc.New(bmc.Options{ReadTimeout: 5 * time.Second, VitalsTimeout: 5 * time.Second})
		to := bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: addr, User: "admin", Password: secret.New(password)}
		if p, err := d.Power(t.Context(), to); err == nil && p != inventory.PowerOn && p != inventory.PowerOff && p != inventory.PowerUnknown {
			t.Errorf("power %q", p)
		}
		_, _ = d.Probe(t.Context(), to)
		_, _ = d.Vitals(t.Context(), to, inventory.LogMark{ID: "1"})
		_, _ = d.Firmware(t.Context(), to)
	})
}

// FuzzIPMIAnswers: whatever comes back over UDP, the call ends with an error.
func FuzzIPMIAnswers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x06, 0x00, 0xff, 0x07, 0x06, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0x00, 0x04})
	f.Add([]byte{0x06, 0x00, 0xff, 0x07, 0x06, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x24, 0x00,
		0, 0, 4, 0, 0xa3, 0xa2, 0xa1, 0xa0, 1, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0, 1, 0, 0, 8, 1, 0, 0, 0, 2, 0, 0, 8, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		l, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		go func() {
			buf := make([]byte, 1500)
			for {
				_, from, err := l.ReadFrom(buf)
				if err != nil {
					return
				}
				_, _ = l.WriteTo(answer, from)
			}
		}()
		d := bmc.New(bmc.Options{ReadTimeout: 300 * time.Millisecond})
		to := bmc.Target{Machine: "hv01", Protocol: inventory.IPMI, Address: l.LocalAddr().String(), User: "admin", Password: secret.New(password)}
		if _, err := d.Power(t.Context(), to); err == nil {
			t.Error("a login from nothing")
		}
	})
}
