package redfish_test

import (
	"testing"

	gofishredfish "github.com/stmcginnis/gofish/redfish"

	"socle/lab/redfish"
)

func TestGofishHealth(t *testing.T) {
	b := start(t, true)
	b.reset(t, redfish.On)
	ch := must[[]*gofishredfish.Chassis](t)(b.gofish().Chassis())[0]
	power := func() *gofishredfish.Power { return must[*gofishredfish.Power](t)(ch.Power()) }
	before := power()
	if n := len(before.PowerSupplies); n != 2 || before.PowerControl[0].PowerConsumedWatts < 100 || before.PowerSupplies[0].PowerInputWatts < 50 {
		t.Errorf("%d supplies, %v W", n, before.PowerControl[0].PowerConsumedWatts)
	}
	if err := b.bmc.SetHealth("PSU9", redfish.Critical); err == nil {
		t.Error("there is no PSU9")
	}
	check(t, b.bmc.SetHealth("PSU1", redfish.Critical))
	check(t, b.bmc.SetHealth("Fan2", redfish.Critical))
	check(t, b.bmc.SetHealth("CPU1", redfish.Warning))
	after := power()
	if s := after.PowerSupplies; s[0].PowerInputWatts != 0 || s[0].LineInputVoltage != 0 || s[0].Status.Health != "Critical" || s[1].PowerInputWatts != after.PowerControl[0].PowerConsumedWatts ||
		after.PowerControl[0].PowerConsumedWatts != before.PowerControl[0].PowerConsumedWatts {
		t.Errorf("%+v", s)
	}
	thermal := must[*gofishredfish.Thermal](t)(ch.Thermal())
	if f := thermal.Fans; f[1].Reading != 0 || f[1].Status.Health != "Critical" || f[0].Reading < 6000 {
		t.Errorf("%+v", f)
	}
	if c := thermal.Temperatures[1]; c.ReadingCelsius != 91 || c.Status.Health != "Warning" {
		t.Errorf("%+v", c)
	}
	sensors := map[string]float64{}
	for _, s := range must[[]*gofishredfish.Sensor](t)(ch.Sensors()) {
		sensors[s.ID] = float64(s.Reading)
	}
	if sensors["Fan2Speed"] != 0 || sensors["PSU1Input"] != 0 || sensors["CPU1Temp"] != 91 || sensors["TotalPower"] < 100 {
		t.Error(sensors)
	}
	if s := b.gofishSystem(); s.Status.Health != "Critical" {
		t.Error(s.Status)
	}
	logs := must[[]*gofishredfish.LogService](t)(ch.LogServices())
	entries := must[[]*gofishredfish.LogEntry](t)(logs[0].Entries())
	if len(entries) != 3 || byID(entries, func(e *gofishredfish.LogEntry) string { return e.ID })[0].Message != "PSU1 has failed." || entries[0].Severity != "Critical" {
		t.Errorf("%d entries", len(entries))
	}
	check(t, logs[0].ClearLog())
	if n := len(b.bmc.Log()); n != 0 {
		t.Errorf("%d entries after clearing", n)
	}
	check(t, b.bmc.SetHealth("PSU1", redfish.OK))
	if s := power().PowerSupplies; s[0].PowerInputWatts == 0 || s[0].Status.Health != "OK" {
		t.Errorf("repaired: %+v", s[0])
	}
}

func TestLocator(t *testing.T) {
	b := start(t, true)
	b.want(200, "", "PATCH", system, `{"LocationIndicatorActive":true}`)
	if !b.bmc.Located() {
		t.Error("off")
	}
	s := b.gofishSystem()
	s.IndicatorLED = "Off"
	check(t, s.Update())
	if b.bmc.Located() {
		t.Error("on")
	}
	b.want(400, "PropertyValueNotInList", "PATCH", "/redfish/v1/Chassis/1", `{"IndicatorLED":"Red"}`)
}
