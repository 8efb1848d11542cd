package bmc_test

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"github.com/bougou/go-ipmi/pkg/handlers"
	"github.com/bougou/go-ipmi/pkg/server"
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/bmc"
	"socle/inventory"
)

// richBMC is go-ipmi's controller with what ipmi_sim cannot do: a light that it tells of, DCMI, a restart, and records
// of sensors that have to be read in parts, as old controllers want it.
type richBMC struct {
	chassis  *chassis
	hardware hardware
	hung     atomic.Bool

	mu       sync.Mutex
	identify [2]byte // as it was asked last: interval, force
	watts    uint16
	records  [][]byte
	reading  func(sensor byte) []byte // nil: it is not there
	limits   func(sensor byte) []byte
	log      [][]byte
	last     uint16 // of its records
	asked    map[string]int
	restart  func()
}

func (b *richBMC) registry() *handlers.Registry {
	r := handlers.NewRegistry()
	handlers.RegisterAllHandlers(r)
	on := func(c types.Command, f func(data []byte) ([]byte, types.CompletionCode)) {
		r.RegisterFunc(c, func(_ context.Context, _ *handlers.HandlerContext, data []byte) ([]byte, types.CompletionCode, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.asked[c.Name]++
			out, cc := f(data)
			return out, cc, nil
		})
	}
	on(types.CommandChassisIdentify, func(data []byte) ([]byte, types.CompletionCode) {
		if !b.chassis.ignores() {
			b.identify = [2]byte{data[0], data[1]}
		}
		return nil, types.CodeOK
	})
	on(types.CommandGetChassisStatus, func([]byte) ([]byte, types.CompletionCode) {
		light := byte(0x40)
		switch {
		case b.identify[1] == 1:
			light |= 0x20
		case b.identify[0] > 0:
			light |= 0x10
		}
		var on byte
		if b.chassis.powered() {
			on = 1
		}
		return []byte{on, 0, light, 0}, types.CodeOK
	})
	on(types.CommandChassisControl, func(data []byte) ([]byte, types.CompletionCode) { return nil, b.chassis.control(data[0]) })
	on(types.CommandGetSystemGUID, func([]byte) ([]byte, types.CompletionCode) {
		guid, _ := hex.DecodeString("9a0f1c6e0b3a1c4d9d7e0123456789ab") // in the order of SMBIOS
		return guid, types.CodeOK
	})
	on(types.CommandGetSELInfo, b.logInfo)
	on(types.CommandReserveSEL, func([]byte) ([]byte, types.CompletionCode) { return []byte{9, 0}, types.CodeOK })
	on(types.CommandGetSELEntry, b.logEntry)
	on(types.CommandClearSEL, b.clearLog)
	on(types.CommandGetDCMIPowerReading, func([]byte) ([]byte, types.CompletionCode) {
		out := make([]byte, 18)
		out[0], out[17] = types.GroupExtensionDCMI, 0x40
		binary.LittleEndian.PutUint16(out[1:], b.watts)
		return out, types.CodeOK
	})
	on(types.CommandColdReset, func([]byte) ([]byte, types.CompletionCode) {
		go b.restart()
		return nil, types.CodeOK
	})
	on(types.CommandGetSDRRepoInfo, func([]byte) ([]byte, types.CompletionCode) {
		return []byte{0x51, byte(len(b.records)), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2}, types.CodeOK
	})
	on(types.CommandReserveSDRRepo, func([]byte) ([]byte, types.CompletionCode) { return []byte{7, 0}, types.CodeOK })
	on(types.CommandGetSDR, b.getSDR)
	on(types.CommandGetSensorThresholds, func(data []byte) ([]byte, types.CompletionCode) { return known(b.limits(data[0])) })
	on(types.CommandGetSensorReading, func(data []byte) ([]byte, types.CompletionCode) { return known(b.reading(data[0])) })
	return r
}

// getSDR returns parts of at most 16 bytes, and only under a reservation.
func (b *richBMC) getSDR(data []byte) ([]byte, types.CompletionCode) {
	id, offset, count := binary.LittleEndian.Uint16(data[2:]), int(data[4]), int(data[5])
	if count > 16 || offset > 0 && data[0] != 7 {
		return nil, types.CodeCannotReturnRequestedDataBytes
	}
	if int(id) >= len(b.records) {
		return nil, types.CodeRequestedDataNotPresent
	}
	next := id + 1
	if int(next) == len(b.records) {
		next = 0xffff
	}
	record := b.records[id]
	part := record[min(offset, len(record)):min(offset+count, len(record))]
	return append(binary.LittleEndian.AppendUint16(nil, next), part...), types.CodeOK
}

func known(answer []byte) ([]byte, types.CompletionCode) {
	if answer == nil {
		return nil, types.CodeRequestedDataNotPresent
	}
	return answer, types.CodeOK
}

func startRich(t *testing.T) (*richBMC, bmc.Target) {
	c := &chassis{Chassis: new(mock.Chassis)}
	b := &richBMC{
		asked: map[string]int{}, watts: 217, chassis: c, hardware: hardware{mock.New(), c},
		limits: func(byte) []byte { return []byte{0x18, 0, 0, 0, 42, 47, 0} },
		reading: func(sensor byte) []byte {
			if sensor == 9 {
				return nil // an empty bay
			}
			return []byte{43, 0xc0, 0x08} // above non-critical
		},
	}
	b.hardware.Network().(*mock.Network).Cfg.MAC = [6]byte{0x52, 0x54, 0, 0, 1, 1}
	to := ownTarget()
	var stop func()
	serve := func() {
		stop = serveOwn(t, to.Address, ownController(t, b.hardware), &b.hung, server.WithHandlerRegistry(b.registry()))
	}
	serve()
	back := make(chan struct{}, 1)
	back <- struct{}{}
	b.restart = func() {
		<-back
		time.Sleep(50 * time.Millisecond) // the answer gets out
		stop()
		time.Sleep(300 * time.Millisecond)
		serve()
		back <- struct{}{}
	}
	t.Cleanup(func() { <-back; stop() })
	return b, to
}

func TestIPMILight(t *testing.T) {
	b, to := startRich(t)
	d := bmc.New(quick)
	for _, c := range []struct {
		on    bool
		last  time.Duration
		want  inventory.Locator
		asked [2]byte
	}{
		{true, 90 * time.Second, inventory.LocatorOn, [2]byte{90, 0}}, // it ends that itself
		{true, time.Hour, inventory.LocatorOn, [2]byte{0, 1}},
		{true, 0, inventory.LocatorOn, [2]byte{0, 1}},
		{false, 0, inventory.LocatorOff, [2]byte{0, 0}},
	} {
		if got, err := d.Locate(t.Context(), to, c.on, c.last); err != nil || got != c.want || b.identify != c.asked {
			t.Errorf("%+v: %q, asked %v, %v", c, got, b.identify, err)
		}
	}
}

func TestIPMIPowerDraw(t *testing.T) {
	_, to := startRich(t)
	if w, err := bmc.New(quick).PowerDraw(t.Context(), to); err != nil || w != 217 {
		t.Errorf("%v W, %v", w, err)
	}
}

// TestIPMIRestart: the call ends when the controller has been away and is back.
func TestIPMIRestart(t *testing.T) {
	b, to := startRich(t)
	d := bmc.New(bmc.Options{ReadTimeout: 500 * time.Millisecond, ResetTimeout: 10 * time.Second, AwayTime: 2 * time.Second})
	start := time.Now()
	if err := d.ResetBMC(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 300*time.Millisecond || b.asked[types.CommandColdReset.Name] != 1 {
		t.Errorf("took %v, asked %d times", took, b.asked[types.CommandColdReset.Name])
	}
}

// TestIPMIRecordsInParts: sensors of a controller that returns little at a time, among them one that is broken, one
// that is not there and one that belongs to software; and the list is read once.
func TestIPMIRecordsInParts(t *testing.T) {
	b, to := startRich(t)
	software := sdrBytes(fullSensor(3, 1, 1, "OS", 1, [6]byte{}))
	software[5] = 0x41
	b.records = [][]byte{
		sdrBytes(fullSensor(1, 1, 1, "Inlet", 1, [6]byte{})), {1, 0, 0x51, 1, 3, 0x20, 0, 8}, software,
		sdrBytes(compactSensor(9, 0x0d, "Bay9")), sdrBytes(fullSensor(4, 4, 18, "Fan4", 50, [6]byte{})),
	}
	d := bmc.New(quick)
	for range 2 {
		all, err := d.Sensors(t.Context(), to)
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		if s := one(t, all, "Fan4"); *s.Value != 43*50 || s.Health != inventory.HealthWarning || *s.HighCritical != 47*50 {
			t.Errorf("%+v", s)
		}
	}
	if n := b.asked[types.CommandGetSDR.Name]; n > 25 {
		t.Errorf("%d questions for 5 records: they were read twice", n)
	}
}
