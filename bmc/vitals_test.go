package bmc_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/bmc"
	"socle/inventory"
	"socle/lab/redfish"
)

// vitals is what a test does to the hardware behind a controller, and what it knows of it.
type vitals struct {
	heat    func(t *testing.T) // the inlet is at 50 °C, above its critical threshold of 47
	supply  func(t *testing.T) // power supply PSU1 fails, which the log tells
	located func(t *testing.T) []string
	watts   bool // it measures what the server draws
	shows   bool // it tells whether the light is on
	nmi     bool
	restart bool
	parts   []string // of its firmware
}

func one(t *testing.T, all []inventory.Sensor, name string) inventory.Sensor {
	t.Helper()
	i := slices.IndexFunc(all, func(s inventory.Sensor) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no sensor %s among %+v", name, all)
	}
	return all[i]
}

func testSensors(t *testing.T, d *bmc.Driver, p *peer) {
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	all, err := d.Sensors(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	inlet := one(t, all, "Inlet")
	if inlet.Value == nil || *inlet.Value < 20 || *inlet.Value > 26 {
		t.Errorf("inlet: %+v", inlet)
	}
	inlet.Value = nil
	caution, critical := 42.0, 47.0
	want := inventory.Sensor{Name: "Inlet", Kind: inventory.SensorTemperature, Unit: "Cel", Health: inventory.HealthOK, HighCaution: &caution, HighCritical: &critical}
	if diff := cmp.Diff(want, inlet); diff != "" {
		t.Error(diff)
	}
	if s := one(t, all, "PSU1"); s.Kind != inventory.SensorSupply || s.Health != inventory.HealthOK {
		t.Errorf("PSU1: %+v", s)
	}
	if s := one(t, all, "Fan1"); s.Kind != inventory.SensorFan || s.Unit != "RPM" || s.Value == nil || *s.Value < 6000 || *s.Value > 8000 {
		t.Errorf("Fan1: %+v", s)
	}
	w, err := d.PowerDraw(t.Context(), p.target)
	if p.vitals.watts && (err != nil || w < 100 || w > 200) {
		t.Errorf("it draws %v W, %v", w, err)
	} else if !p.vitals.watts {
		mustBe(t, err, bmc.ErrUnsupported, "does not measure")
	}
}

func testPartFaults(t *testing.T, d *bmc.Driver, p *peer) {
	p.vitals.heat(t)
	p.vitals.supply(t)
	all, err := d.Sensors(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	if s := one(t, all, "Inlet"); s.Health != inventory.HealthCritical || s.Value == nil || *s.Value < 48 {
		t.Errorf("inlet: %+v", s)
	}
	if s := one(t, all, "PSU1"); s.Health != inventory.HealthCritical {
		t.Errorf("PSU1: %+v", s)
	}
}

// testEventLog reads a log in parts, clears it and reads on.
func testEventLog(t *testing.T, d *bmc.Driver, p *peer) {
	if all, _, err := d.EventLog(t.Context(), p.target, inventory.LogMark{}); err != nil || len(all) != 0 {
		t.Fatalf("a new log: %+v, %v", all, err)
	}
	p.vitals.supply(t)
	all, mark, err := d.EventLog(t.Context(), p.target, inventory.LogMark{})
	if err != nil || len(all) == 0 || mark.IsZero() {
		t.Fatalf("%+v, mark %+v, %v", all, mark, err)
	}
	e := all[len(all)-1]
	if e.Health != inventory.HealthCritical || !strings.Contains(e.Sensor+e.Text, "PSU1") || !e.Time.IsZero() && time.Since(e.Time).Abs() > time.Hour || e.ID == "" {
		t.Errorf("%+v", e)
	}
	if again, same, err := d.EventLog(t.Context(), p.target, mark); err != nil || len(again) != 0 || same != mark {
		t.Errorf("from its end: %+v, mark %+v, %v", again, same, err)
	}
	p.vitals.heat(t)
	more, second, err := d.EventLog(t.Context(), p.target, mark)
	if err != nil || len(more) == 0 || !strings.Contains(more[0].Sensor+more[0].Text, "Inlet") || !more[0].Health.Bad() || second == mark { // two thresholds are crossed at once
		t.Fatalf("after one more: %+v, mark %+v, %v", more, second, err)
	}
	if err := d.ClearLog(t.Context(), p.target); err != nil {
		t.Fatal(err)
	}
	if left, _, err := d.EventLog(t.Context(), p.target, second); err != nil || len(left) != 0 {
		t.Errorf("cleared: %+v, %v", left, err)
	}
	p.vitals.supply(t)
	if fresh, _, err := d.EventLog(t.Context(), p.target, second); err != nil || len(fresh) != 1 {
		t.Errorf("after clearing, from a mark that is gone: %+v, %v", fresh, err)
	}
}

// testVitals: the first look tells nothing of the past, the second what came between.
func testVitals(t *testing.T, d *bmc.Driver, p *peer) {
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	p.vitals.supply(t)
	first, err := d.Vitals(t.Context(), p.target, inventory.LogMark{})
	if err != nil || len(first.Log) != 0 || first.Mark.IsZero() || first.Power != inventory.PowerOn || (first.Watts != nil) != p.vitals.watts {
		t.Fatalf("%+v, %v", first, err)
	}
	if (first.Locator == inventory.LocatorOff) != p.vitals.shows || first.Health() != inventory.HealthCritical {
		t.Errorf("locator %q, health %q", first.Locator, first.Health())
	}
	p.vitals.heat(t)
	second, err := d.Vitals(t.Context(), p.target, first.Mark)
	if err != nil || len(second.Log) != 1 || len(second.Notes) != 0 {
		t.Errorf("%+v, %v", second, err)
	}
}

func testFirmware(t *testing.T, d *bmc.Driver, p *peer) {
	all, err := d.Firmware(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		got = append(got, fmt.Sprintf("%s %s %v", c.ID, c.Version, c.Updateable))
	}
	if diff := cmp.Diff(p.vitals.parts, got); diff != "" {
		t.Error(diff)
	}
}

func testLocator(t *testing.T, d *bmc.Driver, p *peer) {
	for _, c := range []struct {
		on   bool
		last time.Duration
		want inventory.Locator
	}{{true, 0, inventory.LocatorOn}, {true, 90 * time.Second, inventory.LocatorOn}, {true, time.Hour, inventory.LocatorOn}, {false, 0, inventory.LocatorOff}} {
		if !p.vitals.shows {
			c.want = inventory.LocatorUnknown
		}
		if got, err := d.Locate(t.Context(), p.target, c.on, c.last); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	if p.vitals.shows {
		p.ignore(t)
		_, err := bmc.New(brief).Locate(t.Context(), p.target, true, 0)
		mustBe(t, err, bmc.ErrReadBack, "the locator light is off and not on")
	}
	t.Log(p.vitals.located(t))
}

// testRestart: the call returns when the controller is back, and the server has not noticed.
func testRestart(t *testing.T, d *bmc.Driver, p *peer) {
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	start := time.Now()
	if !p.vitals.restart {
		mustBe(t, d.ResetBMC(t.Context(), p.target), bmc.ErrUnsupported, "Invalid command")
		return
	}
	if err := d.ResetBMC(t.Context(), p.target); err != nil {
		t.Fatal(err)
	}
	t.Log("back after", time.Since(start))
	if now, err := d.Power(t.Context(), p.target); err != nil || now != inventory.PowerOn {
		t.Errorf("power %q, %v", now, err)
	}
}

func testNMI(t *testing.T, d *bmc.Driver, p *peer) {
	_, err := d.SetPower(t.Context(), p.target, bmc.NMI)
	mustBe(t, err, bmc.ErrUnsupported, "the server is off")
	setPower(t, d, p, bmc.On, inventory.PowerOn)
	now, err := d.SetPower(t.Context(), p.target, bmc.NMI)
	if !p.vitals.nmi {
		if err == nil || errors.Is(err, bmc.ErrUnreachable) {
			t.Errorf("power %q, %v", now, err)
		}
		return
	}
	if err != nil || now != inventory.PowerOn {
		t.Errorf("power %q, %v", now, err)
	}
	if diff := cmp.Diff([]string{"on", "nmi"}, p.done(t)); diff != "" {
		t.Error(diff)
	}
}

func emulatorVitals(b *redfish.BMC, shape *redfish.Shape) vitals {
	var parts []string
	for _, f := range shape.Firmware {
		parts = append(parts, fmt.Sprintf("%s %s %v", f.ID, f.Version, !f.Fixed))
	}
	set := func(part string) func(*testing.T) {
		return func(t *testing.T) {
			if err := b.SetHealth(part, redfish.Critical); err != nil {
				t.Fatal(err)
			}
		}
	}
	return vitals{
		heat: set("Inlet"), supply: set("PSU1"), watts: true, shows: true, nmi: true, restart: true,
		located: func(*testing.T) []string { return []string{fmt.Sprint(b.Located())} },
		parts:   parts,
	}
}

// simSensors are ipmi_sim_cmd(5): a temperature and a fan with thresholds, and a power supply as a discrete sensor; with
// their records of IPMI tables 43-1 and 43-2, and a log.
var simSensors = "sel_enable 0x20 1000 0x0a\n" +
	fullSensor(1, 0x01, 1, "Inlet", 1, [6]byte{0, 47, 42, 0, 0, 0}) +
	"sensor_add 0x20 0 1 0x01 0x01\nsensor_set_threshold 0x20 0 1 settable 011000 0 47 42 0 0 0\nsensor_set_value 0x20 0 1 23 0\n" +
	"sensor_set_event_support 0x20 0 1 enable scanning per-state 000001010000000 000001010000000 000001000000000 000000000000000\n" +
	fullSensor(2, 0x04, 18, "Fan1", 50, [6]byte{0, 0, 0, 0, 20, 0}) +
	"sensor_add 0x20 0 2 0x04 0x01\nsensor_set_threshold 0x20 0 2 settable 000010 0 0 0 0 20 0\nsensor_set_value 0x20 0 2 144 0\n" +
	"sensor_set_event_support 0x20 0 2 enable scanning per-state 000000000000100 000000000000100 000000000000100 000000000000000\n" +
	compactSensor(3, 0x08, "PSU1") +
	"sensor_add 0x20 0 3 0x08 0x6f\nsensor_set_bit 0x20 0 3 0 1 0\n" +
	"sensor_set_event_support 0x20 0 3 enable scanning per-state 000000000001111 000000000001111 000000000000010 000000000000000\n"

// fullSensor is a record of IPMI table 43-1: a value that is m times the raw one, in a unit of section 43.17, with its
// thresholds from upper non-recoverable down.
func fullSensor(number, kind, unit byte, name string, m byte, limits [6]byte) string {
	body := []byte{0x20, 0, number, 3, number, 0x7f, 0x68, kind, 1, 0, 0x0a, 0, 0x0a, 0x3f, 0x3f, 0, unit, 0, 0, m, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0}
	body = append(append(body, limits[:]...), 0, 0, 0, 0, 0, 0xc0|byte(len(name)))
	return sdrCommand(number, 1, append(body, name...))
}

// compactSensor is a record of IPMI table 43-2 with the states of table 42-3.
func compactSensor(number, kind byte, name string) string {
	body := []byte{0x20, 0, number, 10, number, 0x67, 0x40, kind, 0x6f, 0xff, 0, 0, 0, 0xff, 0, 0xc0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xc0 | byte(len(name))}
	return sdrCommand(number, 2, append(body, name...))
}

func sdrCommand(record, kind byte, body []byte) string {
	var b strings.Builder
	b.WriteString("main_sdr_add 0x20")
	for _, x := range append([]byte{record, 0, 0x51, kind, byte(len(body))}, body...) {
		fmt.Fprintf(&b, " 0x%02x", x)
	}
	return b.String() + "\n"
}

// simVitals works on ipmi_sim through its console.
func simVitals(console, identify string) vitals {
	// Its clock was never set, so that its entries have no time. The connection stays: when one ends, the simulator
	// may write to nobody and end as well.
	var conn net.Conn
	tell := func(commands ...string) func(*testing.T) {
		return func(t *testing.T) {
			t.Helper()
			if conn == nil {
				var err error
				if conn, err = net.Dial("tcp", console); err != nil {
					t.Fatal(err)
				}
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			var said []byte
			for n, c := range append(commands, "done") { // the last one it does not know, and says so
				if _, err := fmt.Fprintf(conn, "%s\n", c); err != nil {
					t.Fatal(err)
				}
				for in := make([]byte, 1); n == len(commands) && !bytes.Contains(said, []byte("Unknown command: done")); said = append(said, in...) {
					if _, err := conn.Read(in); err != nil {
						t.Fatalf("ipmi_sim did not take %q: %v", commands, err)
					}
				}
			}
		}
	}
	return vitals{
		heat:   tell("sensor_set_value 0x20 0 1 50 1"),
		supply: tell("sensor_set_bit 0x20 0 3 1 0 0", "sensor_set_bit 0x20 0 3 1 1 1"),
		located: func(*testing.T) []string {
			text, _ := os.ReadFile(identify)
			return strings.Fields(string(text))
		},
		parts: []string{"BMC 9.08 false"},
	}
}

// sdrBytes is the record in a command.
func sdrBytes(command string) []byte {
	var record []byte
	for _, word := range strings.Fields(command)[2:] {
		var b byte
		_, _ = fmt.Sscanf(word, "0x%02x", &b)
		record = append(record, b)
	}
	return record
}
