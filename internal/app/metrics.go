package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"socle/inventory"
	"socle/inventory/store"
	"socle/inventory/view"
)

var (
	machinesDesc = prometheus.NewDesc("socle_machines", "Machines by state.", []string{"state"}, nil)
	faultsDesc   = prometheus.NewDesc("socle_machine_faults", "Machines with a fault, by its kind.", []string{"kind"}, nil)
	heldDesc     = prometheus.NewDesc("socle_machines_held", "Machines on hold.", nil, nil)
)

// fleet counts the machines at each scrape; what the database holds is the truth, in every replica.
type fleet struct {
	store *store.Store
	log   *slog.Logger
}

// Describe implements prometheus.Collector.
func (f fleet) Describe(c chan<- *prometheus.Desc) { c <- machinesDesc; c <- faultsDesc; c <- heldDesc }

// Collect implements prometheus.Collector.
func (f fleet) Collect(c chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := f.store.Census(ctx)
	if err != nil {
		f.log.Warn("counting machines for the metrics", "err", err)
		return
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	for _, s := range inventory.States() {
		gauge(machinesDesc, all.States[s], string(s))
	}
	for k, n := range all.Faults {
		gauge(faultsDesc, n, string(k))
	}
	gauge(heldDesc, all.Held)
}

// viewAge tells how old what DHCP and boot scripts know is.
func viewAge(v *view.View) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "socle_view_age_seconds",
		Help: "Time since the view of the inventory, from which DHCP and boot scripts answer, last followed the database."},
		func() float64 { return v.Age().Seconds() })
}

// metrics is the page that Prometheus scrapes.
func (k *kit) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), fleet{k.store, k.log}, k.recorder,
		newAnswering(k.dhcp.Load), wards{k.store, k.config.Health.Every, time.Now, k.log.Warn})
	if k.view != nil {
		r.MustRegister(viewAge(k.view))
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}
