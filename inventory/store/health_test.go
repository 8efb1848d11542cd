package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
	"socle/inventory/store"
)

func value(v float64) *float64 { return &v }

// look is one at which all is well, with two sensors.
func look(b *bench, m inventory.Machine, inlet float64) inventory.Look {
	return inventory.Look{Machine: m.ID, Name: m.Name, Time: b.clock(), Vitals: inventory.Vitals{
		Power: inventory.PowerOn, Locator: inventory.LocatorOff, Watts: value(200), Mark: inventory.LogMark{ID: "7", Time: b.clock().Truncate(time.Second)},
		Sensors: []inventory.Sensor{
			{Name: "Inlet", Kind: inventory.SensorTemperature, Value: value(inlet), Unit: "Cel", Health: inventory.HealthOK, HighCritical: value(47)},
			{Name: "PSU1", Kind: inventory.SensorSupply, Health: inventory.HealthOK},
		},
	}}
}

func reasons(b *bench, kind string) (all []string) {
	for _, e := range b.events(store.EventFilter{Limit: 1000}) {
		if e.Kind == kind {
			all = append(all, e.Name+": "+e.Reason)
		}
	}
	return all
}

func TestCondition(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1), hv(2))
		if _, err := b.Condition(b.ctx, m.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("before any look: %v", err)
		}
		l := look(b, m, 23)
		l.Vitals.Notes = []string{"power draw: \x00 none"}
		must(t, b.AddLooks(b.ctx, []inventory.Look{l}))
		c, err := b.Condition(b.ctx, m.ID)
		must(t, err)
		want := inventory.Condition{
			Machine: m.ID, Name: m.Name, Time: b.clock(), Health: inventory.HealthOK, Power: inventory.PowerOn, Locator: inventory.LocatorOff,
			Watts: value(200), Sensors: l.Vitals.Sensors, Notes: []string{"power draw: \uFFFD none"}, Mark: l.Vitals.Mark,
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Error(diff)
		}
		// A look that sees nothing leaves what was seen before.
		b.pass(time.Minute)
		for range 2 {
			must(t, b.AddLooks(b.ctx, []inventory.Look{{Machine: m.ID, Name: m.Name, Time: b.clock(), Failure: "silence"}}))
		}
		want.Failure, want.Failures, want.Since = "silence", 2, b.clock()
		all, err := b.Conditions(b.ctx)
		must(t, err)
		if diff := cmp.Diff([]inventory.Condition{want}, all); diff != "" {
			t.Error(diff)
		}
		must(t, b.AddLooks(b.ctx, []inventory.Look{look(b, m, 24)}))
		if c, err := b.Condition(b.ctx, m.ID); err != nil || c.Failure != "" || c.Failures != 0 || !c.Since.IsZero() {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// TestAlarms: an alarm is one event when it begins, one when it gets worse, one when it is over, and none in between.
func TestAlarms(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		began := b.clock()
		see := func(health inventory.Health, open int) {
			t.Helper()
			b.pass(5 * time.Minute)
			l := look(b, m, 23)
			l.Vitals.Sensors[1].Health, l.Vitals.Sensors[1].State = health, "Failure detected"
			must(t, b.AddLooks(b.ctx, []inventory.Look{l}))
			all, err := b.Alarms(b.ctx, "")
			must(t, err)
			if len(all) != open {
				t.Fatalf("%d alarms are open: %+v", len(all), all)
			}
			if open == 1 && (all[0].Health != health && health != inventory.HealthOK || all[0].Key != "sensor:PSU1" || all[0].Name != m.Name || !all[0].Since.Equal(began.Add(10*time.Minute))) {
				t.Errorf("%+v", all[0])
			}
		}
		see(inventory.HealthOK, 0)
		see(inventory.HealthWarning, 1)
		see(inventory.HealthWarning, 1)
		see(inventory.HealthOK, 1) // it may come back
		see(inventory.HealthWarning, 1)
		see(inventory.HealthCritical, 1)
		must(t, b.AddLooks(b.ctx, []inventory.Look{{Machine: m.ID, Name: m.Name, Failure: "silence"}})) // says nothing of sensors
		see(inventory.HealthOK, 1)
		see(inventory.HealthOK, 0)
		see(inventory.HealthOK, 0)
		if diff := cmp.Diff([]string{"hv01: PSU1 is warning (Failure detected)", "hv01: PSU1 is critical (Failure detected)"}, reasons(b, "alarm")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"hv01: over: PSU1 is critical (Failure detected)"}, reasons(b, "alarm-over")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAlarmOfTheBMC(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		fail := inventory.Look{Machine: m.ID, Name: m.Name, Failure: "the BMC does not answer"}
		for n, want := range []int{0, 0, 1, 1, 1} {
			must(t, b.AddLooks(b.ctx, []inventory.Look{fail}))
			if all, err := b.Alarms(b.ctx, m.ID); err != nil || len(all) != want {
				t.Errorf("after %d looks: %+v, %v", n+1, all, err)
			}
		}
		must(t, b.AddLooks(b.ctx, []inventory.Look{look(b, m, 20), look(b, m, 20)}))
		refused := fail
		refused.Refused, refused.Failure = true, "the BMC refuses the login"
		must(t, b.AddLooks(b.ctx, []inventory.Look{refused}))
		want := []string{"hv01: the BMC does not answer", "hv01: the BMC refuses the login"}
		if diff := cmp.Diff(want, reasons(b, "alarm")); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAlarmsAreBounded: a BMC that makes up sensors fills nothing.
func TestAlarmsAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		for round := range 3 {
			l := look(b, m, 20)
			for n := range 600 {
				l.Vitals.Sensors = append(l.Vitals.Sensors, inventory.Sensor{Name: fmt.Sprintf("x%d-%d", round, n), State: strings.Repeat("y", 5000), Health: inventory.HealthCritical})
				l.Vitals.Log = append(l.Vitals.Log, inventory.LogEntry{ID: fmt.Sprint(n), Text: "bad", Health: inventory.HealthCritical})
			}
			must(t, b.AddLooks(b.ctx, []inventory.Look{l}))
		}
		if all, err := b.Alarms(b.ctx, ""); err != nil || len(all) > 64 {
			t.Errorf("%d alarms, %v", len(all), err)
		}
		if c, err := b.Condition(b.ctx, m.ID); err != nil || len(c.Sensors) > 512 {
			t.Errorf("%d sensors, %v", len(c.Sensors), err)
		}
		if all := reasons(b, "bmc-log"); len(all) != 3*21 || !strings.Contains(all[20], "580 more") {
			t.Errorf("%d events: %s", len(all), all[min(20, len(all)-1)])
		}
	})
}

// TestSamples: the past is a ring, means and extremes of the looks of a step.
func TestSamples(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		start := b.clock().Truncate(time.Hour)
		b.pass(start.Sub(b.clock()))
		hot := look(b, m, 30)
		hot.Vitals.Watts, hot.Vitals.Sensors[0].Health = value(300), inventory.HealthWarning
		hot.Vitals.Sensors = append(hot.Vitals.Sensors, inventory.Sensor{Name: "CPU1", Kind: inventory.SensorTemperature, Value: value(70), Unit: "Cel"},
			inventory.Sensor{Name: "Fan1", Kind: inventory.SensorFan, Value: value(7000), Unit: "RPM"}, inventory.Sensor{Name: "Fan2", Kind: inventory.SensorFan, Value: value(0), Unit: "RPM"})
		must(t, b.AddLooks(b.ctx, []inventory.Look{look(b, m, 20), hot}))
		b.pass(5 * time.Minute)
		must(t, b.AddLooks(b.ctx, []inventory.Look{look(b, m, 22)}))
		got, err := b.Samples(b.ctx, m.ID, start)
		must(t, err)
		want := []inventory.Sample{
			{Time: start, Watts: value(250), Inlet: value(25), Hottest: value(70), Fan: value(7000), Health: inventory.HealthWarning},
			{Time: start.Add(5 * time.Minute), Watts: value(200), Inlet: value(22), Hottest: value(22), Health: inventory.HealthOK},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		var looks []inventory.Look
		for range 2 * 288 {
			b.pass(5 * time.Minute)
			looks = append(looks, look(b, m, 21))
		}
		must(t, b.AddLooks(b.ctx, looks))
		if got, err := b.Samples(b.ctx, m.ID, b.clock().Add(-24*time.Hour)); err != nil || len(got) < 287 || len(got) > 288 {
			t.Errorf("%d samples of a day, %v", len(got), err)
		}
		if got, err := b.Samples(b.ctx, m.ID, start); err != nil || len(got) < 48 || len(got) > 50 || *got[0].Watts < 200 {
			t.Errorf("%d samples of two days, %v", len(got), err)
		}
	})
}

func TestLights(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		first := b.plan(hv(1), hv(2))
		second := b.machine("hv02")
		later := b.clock().Add(10 * time.Minute)
		must(t, b.Light(b.ctx, inventory.Lit{Machine: second.ID, Name: "hv02", Actor: "token:admin", Since: b.clock()}))
		must(t, b.Light(b.ctx, inventory.Lit{Machine: first.ID, Name: "hv01", Actor: "token:admin", Since: b.clock(), Until: b.clock()}))
		must(t, b.Light(b.ctx, inventory.Lit{Machine: first.ID, Name: "hv01", Actor: "token:admin", Since: b.clock(), Until: later}))
		must(t, b.Unlight(b.ctx, first.ID, b.clock())) // it was switched on again
		other := b.open()                              // another process, or this one after a restart
		got, err := other.Lights(b.ctx)
		must(t, err)
		if len(got) != 2 || got[0].Name != "hv02" || !got[0].Until.IsZero() || got[1].Name != "hv01" || !got[1].Until.Equal(later) {
			t.Errorf("%+v", got)
		}
		must(t, b.Unlight(b.ctx, first.ID, later))
		must(t, b.Unlight(b.ctx, second.ID, time.Time{}))
		if got, err := b.Lights(b.ctx); err != nil || len(got) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestTenure: one holder at a time, and another only when the first has let its time go by.
func TestTenure(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		take := func(holder string, want bool) {
			t.Helper()
			if got, err := b.Tenure(b.ctx, "health", holder, time.Minute); err != nil || got != want {
				t.Errorf("%s: %v, %v", holder, got, err)
			}
		}
		take("a", true)
		take("b", false)
		b.pass(40 * time.Second)
		take("a", true)
		b.pass(40 * time.Second)
		take("b", false)
		b.pass(30 * time.Second)
		take("b", true)
		take("a", false)
		if got, err := b.Tenure(b.ctx, "health", "a", 0); err != nil || got {
			t.Errorf("somebody else gave it up: %v, %v", got, err)
		}
		if got, err := b.Tenure(b.ctx, "health", "b", 0); err != nil || !got {
			t.Errorf("giving it up: %v, %v", got, err)
		}
		b.pass(time.Millisecond)
		take("a", true)
	})
}

// TestDriftAlarm: power that is not as wanted is an alarm until two looks in a row complain of nothing; a look that saw
// nothing says nothing of it, and one that could not read the sensors does.
func TestDriftAlarm(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		sees := func(change func(*inventory.Look)) (texts []string) {
			b.pass(time.Minute)
			l := look(b, m, 23)
			change(&l)
			must(t, b.AddLooks(b.ctx, []inventory.Look{l}))
			all, err := b.Alarms(b.ctx, m.ID)
			must(t, err)
			for _, a := range all {
				texts = append(texts, a.Key+": "+a.Text)
			}
			return texts
		}
		drift := func(l *inventory.Look) { l.Drift = "power is off" }
		blind := func(l *inventory.Look) {
			l.Vitals.Sensors, l.Vitals.Notes = nil, []string{"sensors: none"}
		}
		want := []string{"power: power is off"}
		for i, c := range []struct {
			change func(*inventory.Look)
			want   []string
		}{{drift, want}, {drift, want}, {func(l *inventory.Look) { l.Vitals, l.Failure = inventory.Vitals{}, "silence" }, want}, {blind, want}, {blind, nil}} {
			if diff := cmp.Diff(c.want, sees(c.change)); diff != "" {
				t.Errorf("look %d (-want +got):\n%s", i+1, diff)
			}
		}
		if diff := cmp.Diff([]string{"hv01: power is off"}, reasons(b, "alarm")); diff != "" {
			t.Error(diff)
		}
	})
}
