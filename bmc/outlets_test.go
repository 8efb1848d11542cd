package bmc

import (
	"net"
	"strings"
	"testing"
	"time"

	"socle/internal/secret"
	"socle/inventory"
)

// TestOutletTable: the rows can be told apart, and each is tried against an agent (TestPDUKinds has a MIB for each).
func TestOutletTable(t *testing.T) {
	rows, err := readOutlets(outletsFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range rows {
		if fit := kindsOf(rows, k.System); len(fit) == 0 || len(kindsOf(rows, k.System+"0")) > 0 {
			t.Errorf("%s: rows %v fit its own system", k.Name, fit)
		}
	}
	k := outletKind{Unit: "1"}
	if k.index("3") != "1.3" || k.index("2.3") != "2.3" || (outletKind{}).index("3") != "3" {
		t.Error("indexes")
	}
}

func TestReadOutletsRefuses(t *testing.T) {
	row := func(change func(string) string) string {
		return change(`{"version": 1, "kinds": [{"name": "x", "source": "y", "system": "1.3.6.1.4.1.5", "names": "1.3.6.1.4.1.5.1", "state": "1.3.6.1.4.1.5.2",
			"states": {"0": "off", "1": "on"}, "on": {"at": "1.3.6.1.4.1.5.3", "value": 1}, "off": {"at": "1.3.6.1.4.1.5.3", "value": 0}}]}`)
	}
	if _, err := readOutlets([]byte(row(func(s string) string { return s }))); err != nil {
		t.Error(err)
	}
	for _, c := range [][3]string{
		{`"version": 1`, `"version": 2`, "version 2"},
		{`"source": "y", `, ``, "no source"},
		{`"off", "1": "on"`, `"off", "1": "off"`, "some of each"},
		{`"1": "on"`, `"1": "on", "2": "perhaps"`, "must be on or off"},
		{`"value": 0`, `"value": 1`, "are the same"},
		{`"state": "1.3.6.1.4.1.5.2"`, `"state": "1.3.6.1.4.1.6.2"`, "no column below"},
		{`"names": "1.3.6.1.4.1.5.1"`, `"names": "sysDescr"`, "no column below"},
		{`"source"`, `"unit": "a", "source"`, "is no index"},
		{`"source"`, `"sorce": "a slip of hand", "source"`, "unknown field"},
		{`{"version"`, `{`, "reading the kinds"},
	} {
		if _, err := readOutlets([]byte(row(func(s string) string { return strings.Replace(s, c[0], c[1], 1) }))); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s for %s: %v", c[1], c[0], err)
		}
	}
}

// FuzzWebhookPower: whatever a webhook answers is on, off, or an error.
func FuzzWebhookPower(f *testing.F) {
	for _, s := range []string{`{"power":"on"}`, `{"power":"off","x":[]}`, `{"power":1}`, `[]`, `{`, `{"power":"on"}{"power":"off"}`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := webhookPower(text)
		if (err == nil) != (p == inventory.PowerOn || p == inventory.PowerOff) {
			t.Errorf("%q, %v", p, err)
		}
	})
}

// FuzzSNMPAnswers: whatever comes back over UDP, the call ends with an error and in time.
func FuzzSNMPAnswers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x30, 0x29, 2, 1, 1, 4, 1, 'c', 0xa2, 0x21, 2, 1, 0, 2, 1, 0, 2, 1, 0, 0x30, 0x16, 0x30, 0x14,
		6, 8, 0x2b, 6, 1, 2, 1, 1, 2, 0, 6, 8, 0x2b, 6, 1, 4, 1, 0x82, 0x3e, 1})
	f.Add([]byte{0x30, 0x82, 0xff, 0xff, 2, 1, 3})
	f.Fuzz(func(t *testing.T, answer []byte) {
		l, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		go func() {
			for buf := make([]byte, 1500); ; {
				_, from, err := l.ReadFrom(buf)
				if err != nil {
					return
				}
				_, _ = l.WriteTo(answer, from)
			}
		}()
		for _, user := range []string{"", "socle"} {
			d := New(Options{ReadTimeout: 100 * time.Millisecond})
			to := Target{Machine: "hv01", Protocol: inventory.PDU, Address: l.LocalAddr().String(), User: user, Password: secret.New("password"), Outlets: []string{"1"}}
			if p, err := d.Power(t.Context(), to); err == nil {
				t.Errorf("power %q", p)
			}
		}
	})
}
