package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// How long words with a BMC may take: those that take many questions, and its restart.
const (
	bmcTimeout      = 2 * time.Minute
	bmcResetTimeout = 8 * time.Minute
)

type (
	logInput struct {
		MachineRef
		After string `query:"after" maxLength:"500" doc:"what Next was in an earlier answer: only what came later"`
	}
	locateInput struct {
		MachineRef
		Body api.LocateRequest
	}
)

func (s *Server) restHealth(a huma.API) {
	at := func(what string) string { return api.PathMachines + "/{ref}" + what }
	register(s, a, get("get-health", at("/health"), "How a machine is: what was seen last, alarms, and the last day", "health"), s.getHealth)
	register(s, a, get("list-alarms", api.PathAlarms, "The open alarms of all machines", "health"), s.listAlarms)
	register(s, a, get("get-bmc", at("/bmc"), "Ask a machine's BMC who it is", "bmc"), s.getBMC)
	register(s, a, get("list-sensors", at("/bmc/sensors"), "Read a machine's sensors from its BMC", "bmc"), s.listSensors)
	register(s, a, get("list-bmc-log", at("/bmc/log"), "Read a BMC's own event log: at most 1000 entries, the oldest first", "bmc"), s.listLog)
	clear := get("clear-bmc-log", at("/bmc/log"), "Empty a BMC's own event log", "bmc")
	clear.Method, clear.DefaultStatus = http.MethodDelete, http.StatusNoContent
	register(s, a, clear, s.clearLog)
	register(s, a, get("list-firmware", at("/bmc/firmware"), "List the firmware of a machine with the versions that run", "bmc"), s.listFirmware)
	reset := post("reset-bmc", at("/bmc/reset"), "Restart a BMC, and wait until it answers again; the server goes on", "bmc")
	reset.DefaultStatus = http.StatusNoContent
	register(s, a, reset, s.resetBMC)
	register(s, a, post("locate-machine", at("/locate"), "Switch the locator light of a machine", "bmc"), s.locate)
}

func (s *Server) getHealth(ctx context.Context, in *MachineRef) (*body[api.Health], error) {
	m, err := s.o.Inventory.Machine(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	c, alarms, samples, err := s.wellbeing(ctx, m)
	if err != nil {
		return nil, err
	}
	out := api.Health{
		Machine: m.Name, Time: timeOut(c.Time), Health: string(c.Health), Locator: string(c.Locator), Watts: c.Watts, Sensors: sensorsOut(c.Sensors),
		Alarms: alarmsOut(alarms), Samples: []api.Sample{}, Notes: c.Notes, Failure: c.Failure, Failures: c.Failures,
	}
	for _, p := range samples {
		out.Samples = append(out.Samples, api.Sample{Time: p.Time, Watts: p.Watts, Inlet: p.Inlet, Hottest: p.Hottest, Fan: p.Fan, Health: string(p.Health)})
	}
	return &body[api.Health]{out}, nil
}

func (s *Server) listAlarms(ctx context.Context, _ *none) (*body[api.AlarmList], error) {
	all, err := s.o.Health.Alarms(ctx, "")
	return &body[api.AlarmList]{api.AlarmList{Alarms: alarmsOut(all)}}, err
}

func (s *Server) getBMC(ctx context.Context, in *MachineRef) (*body[api.BMCInfo], error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	i, err := s.o.BMCs.Identify(ctx, in.Ref)
	return &body[api.BMCInfo]{i}, err
}

func (s *Server) listSensors(ctx context.Context, in *MachineRef) (*body[api.SensorList], error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	all, err := s.o.BMCs.Sensors(ctx, in.Ref)
	return &body[api.SensorList]{api.SensorList{Sensors: sensorsOut(all)}}, err
}

func (s *Server) listLog(ctx context.Context, in *logInput) (*body[api.LogList], error) {
	var since inventory.LogMark
	if in.After != "" && json.Unmarshal([]byte(in.After), &since) != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "after is not what next was in an earlier answer")
	}
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	all, mark, err := s.o.BMCs.EventLog(ctx, in.Ref, since)
	if err != nil {
		return nil, err
	}
	next, err := json.Marshal(mark)
	if err != nil {
		return nil, err
	}
	out := api.LogList{Entries: []api.LogEntry{}, Next: string(next)}
	for _, e := range all {
		out.Entries = append(out.Entries, api.LogEntry{ID: e.ID, Time: timeOut(e.Time), Sensor: e.Sensor, Text: e.Text, Health: string(e.Health)})
	}
	return &body[api.LogList]{out}, nil
}

func (s *Server) clearLog(ctx context.Context, in *MachineRef) (*struct{}, error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	return nil, s.o.BMCs.ClearLog(ctx, actor(ctx), in.Ref)
}

func (s *Server) listFirmware(ctx context.Context, in *MachineRef) (*body[api.FirmwareList], error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	all, err := s.o.BMCs.Firmware(ctx, in.Ref)
	out := api.FirmwareList{Components: []api.Component{}}
	for _, c := range all {
		out.Components = append(out.Components, api.Component(c))
	}
	return &body[api.FirmwareList]{out}, err
}

func (s *Server) resetBMC(ctx context.Context, in *MachineRef) (*struct{}, error) {
	ctx, cancel := context.WithTimeout(ctx, bmcResetTimeout)
	defer cancel()
	return nil, s.o.BMCs.ResetBMC(ctx, actor(ctx), in.Ref)
}

func (s *Server) locate(ctx context.Context, in *locateInput) (*body[api.LocateReply], error) {
	ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
	defer cancel()
	l, err := s.o.BMCs.Locate(ctx, actor(ctx), in.Ref, in.Body.On, time.Duration(in.Body.Seconds)*time.Second)
	if l == inventory.LocatorUnknown {
		l = "unknown"
	}
	return &body[api.LocateReply]{api.LocateReply{Locator: string(l)}}, err
}

// locateForm does what the light's form says.
func (s *Server) locateForm(ctx context.Context, who, ref, light string) error {
	last, known := map[string]time.Duration{"10m": 10 * time.Minute, "1h": time.Hour, "off": 0}[light]
	if !known {
		return newProblem(http.StatusUnprocessableEntity, "the light is switched on for 10m or 1h, or off")
	}
	_, err := s.o.BMCs.Locate(ctx, who, ref, light != "off", last)
	return err
}

// pageHistory is how much of the past is shown.
const pageHistory = 24 * time.Hour

// wellbeing is what is known of how a machine is; nothing yet is no error.
func (s *Server) wellbeing(ctx context.Context, m inventory.Machine) (c inventory.Condition, alarms []inventory.Alarm, samples []inventory.Sample, err error) {
	if c, err = s.o.Health.Condition(ctx, m.ID); errors.Is(err, inventory.ErrNotFound) {
		return c, nil, nil, nil
	}
	if err == nil {
		alarms, err = s.o.Health.Alarms(ctx, m.ID)
	}
	if err == nil {
		samples, err = s.o.Health.Samples(ctx, m.ID, s.o.Now().Add(-pageHistory))
	}
	return c, alarms, samples, err
}

func sensorsOut(all []inventory.Sensor) []api.Sensor {
	out := make([]api.Sensor, 0, len(all))
	for _, s := range all {
		out = append(out, api.Sensor{Name: s.Name, Kind: string(s.Kind), Value: s.Value, Unit: s.Unit, Health: string(s.Health), State: s.State,
			LowCritical: s.LowCritical, LowCaution: s.LowCaution, HighCaution: s.HighCaution, HighCritical: s.HighCritical})
	}
	return out
}

func alarmsOut(all []inventory.Alarm) []api.Alarm {
	out := make([]api.Alarm, 0, len(all))
	for _, a := range all {
		out = append(out, api.Alarm{Machine: a.Name, Key: a.Key, Health: string(a.Health), Text: a.Text, Since: a.Since})
	}
	return out
}
