package bmc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	ipmiclient "github.com/bougou/go-ipmi/pkg/client"
	"github.com/bougou/go-ipmi/pkg/command/sensor"
	"github.com/bougou/go-ipmi/pkg/command/storage"
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/inventory"
)

// repository is a controller's list of its sensors (IPMI 2.0 section 33): reading it takes hundreds of packets, so
// that it is kept until the controller says that it has changed.
type repository struct {
	read          time.Time
	records       uint16
	added, erased time.Time
	sensors       []ipmiSensor
	names         map[sensorKey]string // also of sensors that only send events
}

// sensorKey names a sensor as event records do.
type sensorKey struct {
	owner  uint8
	number uint8
}

// ipmiSensor is what the record of a sensor says, with its thresholds.
type ipmiSensor struct {
	sensorKey
	lun     uint8
	shown   inventory.Sensor // without a value
	class   types.EventReadingType
	kind    types.SensorType
	convert func(raw uint8) float64 // nil: it has no value
}

// lasts is how long it is believed to be the same: a day, and an hour where the controller, whose clock was never set, cannot
// say when it changed.
func (r *repository) lasts() time.Duration {
	if r.added.Unix() <= bootTimes || r.added.Unix() == 0xffffffff {
		return time.Hour
	}
	return 24 * time.Hour
}

// repositories keeps those of many controllers.
type repositories struct {
	mu sync.Mutex
	by map[string]*repository // by address
}

// manyRepositories bounds them: one takes some 50 KiB. Beyond it, any goes.
const manyRepositories = 20_000

func (s *repositories) get(address string) *repository {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by[address]
}

func (s *repositories) put(address string, r *repository) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]*repository{}
	}
	for a := range s.by {
		if len(s.by) < manyRepositories {
			break
		}
		delete(s.by, a)
	}
	s.by[address] = r
}

// repository returns the list of sensors, from memory when the controller says that it is the same.
func (r *ipmiReader) repository(ctx context.Context) (*repository, error) {
	info := &storage.GetSDRRepoInfoResponse{}
	if err := r.client.Exchange(ctx, &storage.GetSDRRepoInfoRequest{}, info); err != nil {
		return nil, ipmiError(err)
	}
	if old := r.repos.get(r.address); old != nil && old.records == info.RecordCount &&
		old.added.Equal(info.MostRecentAdditionTime) && old.erased.Equal(info.MostRecentEraseTime) && time.Since(old.read) < old.lasts() {
		return old, nil
	}
	repo := &repository{read: time.Now(), records: info.RecordCount, added: info.MostRecentAdditionTime, erased: info.MostRecentEraseTime, names: map[sensorKey]string{}}
	next := uint16(0)
	for range min(int(info.RecordCount)+1, 2*maxSensors) { // a list that runs in a circle ends here
		if info.RecordCount == 0 {
			break
		}
		data, following, err := r.record(ctx, next)
		if err != nil {
			return nil, ipmiError(err)
		}
		if sdr, err := types.ParseSDR(data, following); err == nil { // one that is broken hides no other
			if err := r.addSensor(ctx, repo, sdr); err != nil {
				return nil, ipmiError(err)
			}
		}
		if next = following; next == 0xffff {
			break
		}
	}
	r.repos.put(r.address, repo)
	return repo, nil
}

// record reads one record: whole if the controller can, else in parts (section 33.12).
func (r *ipmiReader) record(ctx context.Context, id uint16) (data []byte, next uint16, err error) {
	whole := &storage.GetSDRResponse{}
	err = r.client.Exchange(ctx, &storage.GetSDRRequest{RecordID: id, ReadBytes: 0xff}, whole)
	if err == nil {
		return whole.RecordData, whole.NextRecordID, nil
	}
	if answer, ok := types.IsResponseError(err); !ok || answer.CompletionCode() != types.CodeCannotReturnRequestedDataBytes {
		return nil, 0, err
	}
	reservation, err := r.client.ReserveSDRRepo(ctx)
	if err != nil {
		return nil, 0, err
	}
	const part = 16 // bytes that the oldest controllers return
	for want := types.SDRRecordHeaderSize; len(data) < want; {
		res := &storage.GetSDRResponse{}
		err := r.client.Exchange(ctx, &storage.GetSDRRequest{
			ReservationID: reservation.ReservationID, RecordID: id, ReadOffset: uint8(len(data)), ReadBytes: uint8(min(part, want-len(data))), //nolint:gosec // want is below 256
		}, res)
		if err != nil {
			return nil, 0, err
		}
		if len(res.RecordData) == 0 {
			return nil, 0, errors.New("it sends an empty part of a sensor's record")
		}
		data, next = append(data, res.RecordData...), res.NextRecordID
		if want == types.SDRRecordHeaderSize && len(data) >= want {
			want = min(types.SDRRecordHeaderSize+int(data[4]), math.MaxUint8)
		}
	}
	return data, next, nil
}

// addSensor takes in one record. Thresholds come with it: they are asked for once.
func (r *ipmiReader) addSensor(ctx context.Context, repo *repository, sdr *types.SDR) error {
	var s ipmiSensor
	var unit types.SensorUnit
	var owner types.GeneratorID
	switch {
	case sdr.Full != nil:
		f := sdr.Full
		owner, unit, s.class, s.kind = f.GeneratorID, f.SensorUnit, f.SensorEventReadingType, f.SensorType
		if f.HasAnalogReading() && !f.LinearizationFunc.IsNonLinear() {
			s.convert = f.ConvertReading
		}
	case sdr.Compact != nil:
		owner, unit, s.class, s.kind = sdr.Compact.GeneratorID, sdr.Compact.SensorUnit, sdr.Compact.SensorEventReadingType, sdr.Compact.SensorType
	case sdr.EventOnly != nil:
		key := sensorKey{sdr.EventOnly.GeneratorID.OwnerID(), uint8(sdr.SensorNumber())}
		repo.names[key] = printable([]byte(sdr.SensorName()))
		return nil
	default:
		return nil
	}
	s.sensorKey = sensorKey{owner.OwnerID(), uint8(sdr.SensorNumber())}
	s.lun = owner.LUN()
	s.shown.Name = printable([]byte(sdr.SensorName()))
	repo.names[s.sensorKey] = s.shown.Name
	s.shown.Kind = kindOf(s.kind, unit, s.convert != nil)
	if s.shown.Kind == "" || s.shown.Name == "" || len(repo.sensors) >= maxSensors || owner.OwnerIsSystemSoftware() {
		return nil
	}
	if s.convert != nil {
		s.shown.Unit = unitOf(unit)
		if err := r.thresholds(ctx, &s); err != nil {
			return err
		}
	}
	repo.sensors = append(repo.sensors, s)
	return nil
}

// at directs a command to the controller and the LUN that own a sensor.
func (s ipmiSensor) at(ctx context.Context) context.Context {
	return ipmiclient.WithCommandContext(ctx, new(ipmiclient.CommandContext).WithResponderAddr(s.owner).WithResponderLUN(s.lun))
}

// thresholds asks for a sensor's thresholds (section 35.9). The worse of critical and non-recoverable are shown as one.
func (r *ipmiReader) thresholds(ctx context.Context, s *ipmiSensor) error {
	t := &sensor.GetSensorThresholdsResponse{}
	if err := r.client.Exchange(s.at(ctx), &sensor.GetSensorThresholdsRequest{SensorNumber: s.number}, t); err != nil {
		if _, ok := types.IsResponseError(err); ok {
			return nil // it has none
		}
		return err
	}
	for _, b := range []struct {
		into *(*float64)
		ok   bool
		raw  uint8
	}{
		{&s.shown.LowCritical, t.LNR_Readable, t.LNR_Raw}, {&s.shown.LowCritical, t.LCR_Readable, t.LCR_Raw},
		{&s.shown.LowCaution, t.LNC_Readable, t.LNC_Raw}, {&s.shown.HighCaution, t.UNC_Readable, t.UNC_Raw},
		{&s.shown.HighCritical, t.UNR_Readable, t.UNR_Raw}, {&s.shown.HighCritical, t.UCR_Readable, t.UCR_Raw},
	} {
		if v := s.convert(b.raw); b.ok && finite(v) {
			*b.into = &v
		}
	}
	return nil
}

// sensors reads the present value of each (section 35.14).
func (r *ipmiReader) sensors(ctx context.Context) ([]inventory.Sensor, error) {
	repo, err := r.repository(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]inventory.Sensor, 0, len(repo.sensors))
	for _, s := range repo.sensors {
		answer := &sensor.GetSensorReadingResponse{}
		err := r.client.Exchange(s.at(ctx), &sensor.GetSensorReadingRequest{SensorNumber: s.number}, answer)
		if _, refused := types.IsResponseError(err); refused {
			continue // it is not there now: a bay without a drive
		}
		if err != nil {
			return nil, ipmiError(err)
		}
		if shown, there := s.read(answer); there {
			all = append(all, shown)
		}
	}
	r.last = all
	return all, nil
}

// read makes a sensor of an answer; one that is switched off is not there (section 16.5).
func (s ipmiSensor) read(a *sensor.GetSensorReadingResponse) (inventory.Sensor, bool) {
	shown := s.shown
	if a.SensorScanningDisabled {
		return shown, false
	}
	if a.ReadingUnavailable {
		return shown, s.convert != nil // it is there, and has no value while the server is off
	}
	if s.convert != nil {
		if v := round(s.convert(a.Reading)); finite(v) {
			shown.Value = &v
		}
	}
	if s.class.IsThreshold() {
		switch {
		case a.Above_UCR, a.Above_UNR, a.Below_LCR, a.Below_LNR:
			shown.Health = inventory.HealthCritical
		case a.Above_UNC, a.Below_LNC:
			shown.Health = inventory.HealthWarning
		default:
			shown.Health = inventory.HealthOK
		}
		return shown, true
	}
	var words []string
	for _, offset := range a.ActiveStates.TrueEvents() {
		shown.Health = shown.Health.Worse(stateHealth(s.class, s.kind, offset))
		if e := s.class.EventForOffset(s.kind, offset); e != nil {
			words = append(words, e.EventName)
		}
	}
	shown.State = strings.Join(words, ", ")
	return shown, true
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// round keeps three places behind the point: more is noise of the conversion.
func round(v float64) float64 { return math.Round(v*1000) / 1000 }

// watts asks for DCMI's power reading (DCMI 1.5 section 6.6.1). What does not know DCMI is asked for its sensors.
func (r *ipmiReader) watts(ctx context.Context) (*float64, error) {
	p, err := r.client.GetDCMIPowerReading(ctx)
	if err == nil && p.PowerMeasurementActive {
		w := float64(p.CurrentPower)
		return &w, nil
	}
	if _, refused := types.IsResponseError(err); err != nil && !refused && !errors.Is(err, types.ErrUnpackedDataTooShort) {
		return nil, ipmiError(err)
	}
	if r.last == nil {
		if _, err := r.sensors(ctx); err != nil {
			return nil, err
		}
	}
	return consumption(r.last), nil
}

// consumption finds what the whole server draws among its sensors: the one that is called so, else the sum of what
// its power supplies take in.
func consumption(all []inventory.Sensor) *float64 {
	var sum float64
	var some bool
	for _, s := range all {
		name := strings.ToLower(s.Name)
		switch {
		case s.Kind != inventory.SensorPower || s.Value == nil || s.Unit != "W":
		case strings.Contains(name, "consumption"), strings.Contains(name, "total"), strings.Contains(name, "system power"), strings.Contains(name, "sys power"):
			return s.Value
		case strings.Contains(name, "input"), strings.Contains(name, "pin"), strings.Contains(name, "in power"):
			sum, some = sum+*s.Value, true
		}
	}
	if !some {
		return nil
	}
	return &sum
}

// locator reads the chassis status, where controllers may say it (section 28.2).
func (r *ipmiReader) locator(ctx context.Context) (inventory.Locator, error) {
	s, err := r.client.GetChassisStatus(ctx)
	switch {
	case err != nil:
		return inventory.LocatorUnknown, ipmiError(err)
	case !s.ChassisIdentifySupported:
		return inventory.LocatorUnknown, nil
	case s.ChassisIdentifyState == 0:
		return inventory.LocatorOff, nil
	}
	return inventory.LocatorOn, nil
}

// firmware is the controller's own (section 20.1): IPMI knows of no other.
func (r *ipmiReader) firmware(ctx context.Context) ([]inventory.Component, error) {
	id, err := r.client.GetDeviceID(ctx)
	if err != nil {
		return nil, ipmiError(err)
	}
	return []inventory.Component{{ID: "BMC", Name: "BMC", Version: fmt.Sprintf("%d.%02d", id.MajorFirmwareRevision, id.MinorFirmwareRevision)}}, nil
}
