package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"socle/dhcp"
)

// dhcpCount is one number of the DHCP server's Stats.
type dhcpCount struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(dhcp.Stats) int64
}

// answering shows what the DHCP server does, where it runs.
type answering struct {
	server func() *dhcp.Server // nil: it does not run here
	counts []dhcpCount
}

func newAnswering(server func() *dhcp.Server) answering {
	a := answering{server: server}
	add := func(kind prometheus.ValueType, name, help string, labels prometheus.Labels, of func(dhcp.Stats) int64) {
		a.counts = append(a.counts, dhcpCount{prometheus.NewDesc("socle_dhcp_"+name, help, nil, labels), kind, of})
	}
	total := func(name, help string, of func(dhcp.Stats) int64) { add(prometheus.CounterValue, name, help, nil, of) }
	dropped := func(why string, of func(dhcp.Stats) int64) {
		add(prometheus.CounterValue, "dropped_total", "Datagrams dropped, by the reason.", prometheus.Labels{"reason": why}, of)
	}
	total("received_total", "Datagrams received.", func(s dhcp.Stats) int64 { return s.Received })
	total("answered_total", "Replies sent.", func(s dhcp.Stats) int64 { return s.Answered })
	total("withheld_total", "Replies not sent because their lease could not be stored.", func(s dhcp.Stats) int64 { return s.Withheld })
	dropped("malformed", func(s dhcp.Stats) int64 { return s.Malformed })
	dropped("mac-limit", func(s dhcp.Stats) int64 { return s.LimitedMAC })
	dropped("port-limit", func(s dhcp.Stats) int64 { return s.LimitedPort })
	dropped("overload-discover", func(s dhcp.Stats) int64 { return s.ShedDiscovers })
	dropped("overload-other", func(s dhcp.Stats) int64 { return s.ShedOthers })
	total("leases_lost_total", "Addresses that another server had just given to somebody else.", func(s dhcp.Stats) int64 { return s.Lost })
	total("leases_stored_total", "Leases written to the database.", func(s dhcp.Stats) int64 { return s.Stored })
	total("transactions_total", "Transactions in which leases were written.", func(s dhcp.Stats) int64 { return s.Transactions })
	total("probed_total", "Addresses asked for before they were offered.", func(s dhcp.Stats) int64 { return s.Probed })
	total("squatters_total", "Addresses found in use without a lease.", func(s dhcp.Stats) int64 { return s.Squatters })
	total("evidence_missed_total", "Lines of boot evidence not recorded because there were too many.", func(s dhcp.Stats) int64 { return s.EvidenceMissed })
	add(prometheus.GaugeValue, "leases", "Addresses that are held.", nil, func(s dhcp.Stats) int64 { return int64(s.Leases) })
	add(prometheus.GaugeValue, "waiting", "Datagrams that wait for an answer.", nil, func(s dhcp.Stats) int64 { return int64(s.Waiting) })
	return a
}

// Describe implements prometheus.Collector.
func (a answering) Describe(c chan<- *prometheus.Desc) {
	for _, n := range a.counts {
		c <- n.desc
	}
}

// Collect implements prometheus.Collector.
func (a answering) Collect(c chan<- prometheus.Metric) {
	s := a.server()
	if s == nil {
		return
	}
	stats := s.Stats()
	for _, n := range a.counts {
		c <- prometheus.MustNewConstMetric(n.desc, n.kind, float64(n.of(stats)))
	}
}
