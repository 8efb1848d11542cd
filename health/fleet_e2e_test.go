//go:build e2e

package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/bmc"
	"socle/internal/crowd"
	"socle/internal/secret"
	"socle/inventory"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// kinds of the controllers of a fleet, by number: of 200 ten hang, ten refuse the password and ten lie.
func ill(n int) string {
	switch n % 20 {
	case 3:
		return "hangs"
	case 8:
		return "refuses"
	case 13:
		return "lies"
	}
	return ""
}

// fleetOf starts controllers; with sick, some are.
func fleetOf(t *testing.T, n int, sick bool) (*redfishtest.Fleet, map[string]bmc.Target, []inventory.Machine) {
	t.Helper()
	password := secret.New("s3cret-Pa55")
	specs := redfishtest.Specs(n, nil, "admin", password)
	for i := range specs {
		if !sick {
			continue
		}
		switch ill(i) {
		case "hangs":
			specs[i].Faults = []redfish.Fault{{Kind: redfish.Hang}}
		case "refuses":
			specs[i].Password = secret.New("0ther-Pa55")
		case "lies":
			specs[i].Faults = []redfish.Fault{{Kind: redfish.Lie}}
		}
	}
	fleet, err := redfishtest.Start(specs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fleet.Close() })
	targets := map[string]bmc.Target{}
	var machines []inventory.Machine
	for _, m := range fleet.Members {
		at := m.Address.String()
		targets[m.Name] = bmc.Target{Machine: m.Name, Protocol: inventory.Redfish, Address: at, User: "admin", Password: password}
		machines = append(machines, inventory.Machine{ID: "id-" + m.Name, Name: m.Name, State: inventory.Active, BMC: inventory.BMC{Protocol: inventory.Redfish, Address: at}})
	}
	return fleet, targets, machines
}

// driven is a BMC by the real driver.
type driven struct {
	driver  *bmc.Driver
	targets map[string]bmc.Target
}

func (d driven) Vitals(ctx context.Context, m inventory.Machine, since inventory.LogMark) (inventory.Vitals, error) {
	v, err := d.driver.Vitals(ctx, d.targets[m.Name], since)
	if errors.Is(err, bmc.ErrAuth) {
		err = errors.Join(err, ErrRefused)
	}
	return v, err
}

func (d driven) Locate(ctx context.Context, m inventory.Machine, on bool, last time.Duration) (inventory.Locator, error) {
	return d.driver.Locate(ctx, d.targets[m.Name], on, last)
}

// times of one run: when the last healthy one and when all were done.
type times struct{ healthy, all time.Duration }

// tries is how often a fleet is looked at when its healthy ones seem to be delayed: whatever else runs here delays them, too, and
// never makes them quicker.
const tries = 3

// TestFleetOf200E2E powers, reads and watches 200 controllers over TLS, without sick ones and with them: the healthy ones
// are not delayed, and every sick one is named for what it is.
func TestFleetOf200E2E(t *testing.T) {
	var delayed []string
	for range tries {
		if delayed = delays(t, look(t, false), look(t, true)); len(delayed) == 0 {
			return
		}
	}
	t.Errorf("healthy ones were delayed: %s", strings.Join(delayed, ", "))
}

// fleetSize is how many controllers are looked at.
const fleetSize = 200

// look does with a fleet what is to be measured.
func look(t *testing.T, sick bool) map[string]times {
	t.Helper()
	fleet, targets, machines := fleetOf(t, fleetSize, sick)
	defer func() { _ = fleet.Close() }() // the next one has the machine for itself
	driver := bmc.New(bmc.Options{ReadTimeout: 8 * time.Second, WriteTimeout: 12 * time.Second, VitalsTimeout: 12 * time.Second, Settle: 3 * time.Second})
	return map[string]times{
		"power on": each(t, machines, sick, func(ctx context.Context, m inventory.Machine) error {
			p, err := driver.SetPower(ctx, targets[m.Name], bmc.On)
			if err == nil && p != inventory.PowerOn {
				err = fmt.Errorf("power %s", p)
			}
			return err
		}),
		"read": each(t, machines, sick, func(ctx context.Context, m inventory.Machine) error {
			v, err := driver.Vitals(ctx, targets[m.Name], inventory.LogMark{})
			if err == nil && len(v.Sensors) < 8 {
				err = fmt.Errorf("%d sensors", len(v.Sensors))
			}
			return err
		}),
		"watch": watched(t, driven{driver, targets}, machines, sick),
	}
}

// delays are the things at which healthy ones were delayed by sick ones.
func delays(t *testing.T, without, with map[string]times) (delayed []string) {
	t.Helper()
	for what, w := range with {
		o := without[what]
		t.Logf("%-8s  the last healthy one of %d after %v without sick ones (all %v), after %v with 5 %% hanging, 5 %% refusing, 5 %% lying (all %v): ratio %.2f",
			what, fleetSize, o.healthy.Round(time.Millisecond), o.all.Round(time.Millisecond), w.healthy.Round(time.Millisecond), w.all.Round(time.Millisecond),
			w.healthy.Seconds()/o.healthy.Seconds())
		// Ten that hang would take all eight places for 12 s, were they not given on; the rest is for what else runs here.
		if w.healthy > o.healthy*3/2+5*time.Second || w.all > 45*time.Second {
			delayed = append(delayed, what)
		}
	}
	return delayed
}

// each works on all machines as the command line does.
func each(t *testing.T, machines []inventory.Machine, sick bool, do func(context.Context, inventory.Machine) error) times {
	t.Helper()
	var mu sync.Mutex
	var out times
	start := time.Now()
	index := make([]int, len(machines))
	for i := range index {
		index[i] = i
	}
	crowd.Each(t.Context(), crowd.New(8, 256, time.Second), index, func(ctx context.Context, i int) {
		err := do(ctx, machines[i])
		took := time.Since(start)
		mu.Lock()
		defer mu.Unlock()
		out.all = max(out.all, took)
		kind := ""
		if sick {
			kind = ill(i)
		}
		switch {
		case kind == "" || kind == "lies":
			if kind == "" {
				out.healthy = max(out.healthy, took)
			}
			if err != nil && kind == "" {
				t.Errorf("%s: %v", machines[i].Name, err)
			}
		case kind == "hangs" && !errors.Is(err, bmc.ErrUnreachable), kind == "refuses" && !errors.Is(err, bmc.ErrAuth):
			t.Errorf("%s, which %s: %v", machines[i].Name, kind, err)
		}
	})
	return out
}

// watched lets the watch look at each once.
func watched(t *testing.T, d driven, machines []inventory.Machine, sick bool) times {
	t.Helper()
	w := newWard(0)
	w.machines = machines
	watch := New(Options{Store: w, BMC: d, Every: time.Hour, Parallel: 8, Holder: "me"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	start := time.Now()
	go func() { done <- watch.Run(ctx) }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if watch.Stats().Looks >= int64(len(machines)) || ctx.Err() != nil {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	var out times
	for i, m := range machines {
		looks := w.looks[m.Name]
		if len(looks) != 1 {
			t.Errorf("%s: %d looks", m.Name, len(looks))
			continue
		}
		took := looks[0].Time.Sub(start)
		out.all = max(out.all, took)
		switch kind := ill(i); {
		case !sick || kind == "" || kind == "lies":
			out.healthy = max(out.healthy, took)
			if looks[0].Failure != "" {
				t.Errorf("%s: %s", m.Name, looks[0].Failure)
			}
		case kind == "refuses" && !looks[0].Refused, kind == "hangs" && looks[0].Failure == "":
			t.Errorf("%s, which %s: %+v", m.Name, kind, looks[0])
		}
	}
	return out
}
