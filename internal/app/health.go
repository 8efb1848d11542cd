package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"socle/bmc"
	"socle/hardware"
	"socle/health"
	"socle/inventory"
	"socle/inventory/store"
)

// watch makes the part that looks after servers.
func (k *kit) watch() (*health.Watch, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("asking for the name of this host: %w", err)
	}
	o := health.Options{
		Store: k.store, BMC: nurse{k.bmcs, k.log}, Energy: k.engine, Every: k.config.Health.Every, Parallel: k.config.Health.Parallel,
		Holder: host + " " + uuid.NewString(), Log: k.log,
	}
	if k.ears != nil {
		o.Ears = k.ears
	}
	return health.New(o), nil
}

// nurse implements health.BMC.
type nurse struct {
	bmcs *bmcs
	log  *slog.Logger
}

// refused marks the errors of BMCs that refuse a login, and of what may be no BMC of ours.
func refused(err error) error {
	if errors.Is(err, bmc.ErrAuth) || errors.Is(err, bmc.ErrCertificate) {
		return errors.Join(err, health.ErrRefused)
	}
	return err
}

// Vitals implements health.BMC.
func (n nurse) Vitals(ctx context.Context, m inventory.Machine, since inventory.LogMark) (inventory.Vitals, error) {
	v, err := on(ctx, n.bmcs, m, func(ctx context.Context, t bmc.Target) (inventory.Vitals, error) {
		v, err := n.bmcs.driver.Vitals(ctx, t, since)
		return v, refused(err)
	})
	if ctx.Err() == nil {
		n.hears(ctx, m, v.Heard)
	}
	if err == nil {
		n.hearsOfPSUs(ctx, m, v.PSUs)
	}
	return v, err
}

// hears keeps what a BMC hears at its own port. One that does not answer any more may have lost its cable: nothing is known then.
func (n nurse) hears(ctx context.Context, m inventory.Machine, heard []inventory.Uplink) {
	if slices.Equal(m.BMC.Heard, heard) {
		return
	}
	n.keep(ctx, m, "what a BMC hears", func(m *inventory.Machine) (inventory.Note, error) {
		if slices.Equal(m.BMC.Heard, heard) {
			return inventory.Note{}, nil
		}
		m.BMC.Heard, m.BMC.HeardAt = heard, time.Now().UTC()
		if len(heard) == 0 {
			return inventory.Note{Kind: "cables", Reason: "the BMC tells no more what it hears"}, nil
		}
		return inventory.Note{Kind: "cables", Reason: hardware.Link{NIC: "the BMC", Up: true, LLDP: m.BMC.Neighbors()}.Words()}, nil
	})
}

// keep stores something that a BMC told. That it cannot be stored is logged; the next look tells it again.
func (n nurse) keep(ctx context.Context, m inventory.Machine, what string, change func(*inventory.Machine) (inventory.Note, error)) {
	_, err := n.bmcs.logins.Change(ctx, m.ID, inventory.ActorProvision, change)
	if err != nil && !errors.Is(err, inventory.ErrNotFound) && ctx.Err() == nil {
		n.log.Warn(what+" cannot be stored", "machine", m.Name, "err", err)
	}
}

// Locate implements health.BMC.
func (n nurse) Locate(ctx context.Context, m inventory.Machine, lit bool, last time.Duration) (inventory.Locator, error) {
	return on(ctx, n.bmcs, m, func(ctx context.Context, t bmc.Target) (inventory.Locator, error) {
		return n.bmcs.driver.Locate(ctx, t, lit, last)
	})
}

// Bounds of what is shown of each machine: five series a machine, and no more machines than this.
const (
	shownMachines = 20_000
	staleAfter    = 3 // times the pause between looks: what was seen longer ago is not shown as if it were so
)

var (
	wattsDesc    = prometheus.NewDesc("socle_machine_power_watts", "What the machine draws, as its BMC says.", []string{"machine"}, nil)
	inletDesc    = prometheus.NewDesc("socle_machine_inlet_celsius", "Temperature of the air that comes in.", []string{"machine"}, nil)
	hottestDesc  = prometheus.NewDesc("socle_machine_hottest_celsius", "The highest of its temperatures.", []string{"machine"}, nil)
	fanDesc      = prometheus.NewDesc("socle_machine_fan_slowest_rpm", "The slowest of its fans that turn.", []string{"machine"}, nil)
	healthDesc   = prometheus.NewDesc("socle_machine_health", "0 unknown, 1 ok, 2 warning, 3 critical.", []string{"machine"}, nil)
	alarmsDesc   = prometheus.NewDesc("socle_alarms", "Open alarms about hardware, by how bad they are.", []string{"health"}, nil)
	unseenDesc   = prometheus.NewDesc("socle_bmcs_silent", "BMCs that could not be asked the last time.", nil, nil)
	healthLevels = map[inventory.Health]float64{inventory.HealthOK: 1, inventory.HealthWarning: 2, inventory.HealthCritical: 3}
)

// wards shows how machines are, from the database, so that every replica shows the same.
type wards struct {
	store *store.Store
	every time.Duration
	now   func() time.Time
	warn  func(msg string, args ...any)
}

// Describe implements prometheus.Collector.
func (w wards) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{wattsDesc, inletDesc, hottestDesc, fanDesc, healthDesc, alarmsDesc, unseenDesc} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (w wards) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := w.store.Conditions(ctx)
	if err != nil {
		w.warn("reading how machines are for the metrics", "err", err)
		return
	}
	gauge := func(d *prometheus.Desc, v *float64, labels ...string) {
		if v != nil {
			c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, *v, labels...)
		}
	}
	silent := 0.0
	for i, one := range all {
		if one.Failure != "" {
			silent++
		}
		if i >= shownMachines || w.now().Sub(one.Time) > max(staleAfter*w.every, time.Minute) {
			continue
		}
		s := inventory.Look{Vitals: inventory.Vitals{Watts: one.Watts, Sensors: one.Sensors}}.Sample()
		level := healthLevels[one.Health]
		gauge(wattsDesc, s.Watts, one.Name)
		gauge(inletDesc, s.Inlet, one.Name)
		gauge(hottestDesc, s.Hottest, one.Name)
		gauge(fanDesc, s.Fan, one.Name)
		gauge(healthDesc, &level, one.Name)
	}
	gauge(unseenDesc, &silent)
	alarms, err := w.store.Alarms(ctx, "")
	if err != nil {
		w.warn("reading alarms for the metrics", "err", err)
		return
	}
	count := map[inventory.Health]float64{inventory.HealthWarning: 0, inventory.HealthCritical: 0}
	for _, a := range alarms {
		count[a.Health]++
	}
	for h, n := range count {
		gauge(alarmsDesc, &n, string(h))
	}
}
