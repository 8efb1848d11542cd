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
	machines, err := f.store.Machines(ctx)
	if err != nil {
		f.log.Warn("counting machines for the metrics", "err", err)
		return
	}
	states, faults, held := map[inventory.State]int{}, map[inventory.FaultKind]int{}, 0
	for _, s := range inventory.States() {
		states[s] = 0
	}
	for _, m := range machines {
		states[m.State]++
		if m.Fault != nil {
			faults[m.Fault.Kind]++
		}
		if m.Held() {
			held++
		}
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	for s, n := range states {
		gauge(machinesDesc, n, string(s))
	}
	for k, n := range faults {
		gauge(faultsDesc, n, string(k))
	}
	gauge(heldDesc, held)
}

// metrics is the page that Prometheus scrapes.
func (k *kit) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), fleet{k.store, k.log},
		newAnswering(k.dhcp.Load))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}
