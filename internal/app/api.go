package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"socle/api"
	"socle/assess"
	"socle/images"
	"socle/inventory"
	"socle/pxe"
	"socle/web"
)

func (k *kit) workerTasks(context.Context) ([]Task, error) {
	w, err := k.watch()
	judge := &assess.Worker{Store: k.store, Checks: []assess.Check{models{k.store}, k.cables, k.outliers}, Log: k.log, Now: time.Now}
	return []Task{{"workers", k.engine.Run}, {"health", w.Run}, {"assessment", judge.Run}}, err
}

func (k *kit) apiTasks(ctx context.Context) ([]Task, error) {
	var subnets []inventory.Subnet
	for _, s := range k.config.Subnets {
		subnets = append(subnets, s.Inventory())
	}
	all, err := k.makeConsoles()
	if err != nil {
		return nil, err
	}
	people := &desk{store: k.store, bmcs: k.bmcs, ca: k.ca, now: time.Now}
	judge := acceptances{k.store, k.config.BurnIn, time.Now}
	o := web.Options{
		Auth: auth{k.store}, Inventory: k.store, History: k.store, Changes: k.store, Verbs: k.engine, Power: k.engine,
		Health: k.store, BMCs: people, Trust: people, Keyring: &ringmaster{keys: k.keys, store: k.store, rest: ringRest}, Drives: people, Settings: k.engine, Disks: k.engine, Finder: &finder{store: k.store, driver: k.bmcs.driver},
		Baselines: baselines{people, k.store}, Campaigns: k.engine, Measured: k.store, Outliers: k.outliers, Searches: searches{k.store, time.Now}, Planner: plans{k.store, k.roles},
		Findings: k.store, Cabling: k.cables,
		Places:   floors{k.store},
		Models:   models{k.store},
		NetBox:   &exchange{k.store, k.roles},
		Papers:   papers{k.store, time.Now},
		Parts:    k.store,
		Compared: comparisons{k.store, k.cables},
		Aisle:    aisle{k.store},
		Importer: importer{k.store}, Catalogue: catalogue{k.images}, Agents: k.engine, PhoneHome: k.engine, Images: k.images, Consoles: all, Guests: all,
		Acceptance:   judge,
		Certificates: certificates{judge},
		BurnIn:       k.config.BurnIn,
		Roles:        k.roles, Subnets: subnets, Version: k.version, Metrics: k.metrics(), Ready: k.store.Ping, Log: k.log,
		Mappings: importer{k.store}, Deliveries: importer{k.store},
	}
	if k.ears != nil {
		o.Told = k.ears
	}
	s, err := web.New(o)
	if err != nil {
		return nil, err
	}
	config, err := k.serverTLS()
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", k.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for the API (listen): %w", err)
	}
	h := s.HTTPServer()
	failed := pxe.Handshakes{Only: inventory.OutDistrusted, Recorder: k.recorder, Holder: k.holds, Now: time.Now,
		Line: inventory.Evidence{Source: "agent", Kind: inventory.SawSession, Client: inventory.StageAgent, Asked: "TLS handshake"}}
	h.ConnState = failed.ConnState
	tasks := all.tasks(k.config.Console)
	if k.config.Console.SSHListen != "" {
		t, err := k.gatewayTask(ctx, all)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	tasks = append(tasks, Task{"API", func(ctx context.Context) error {
		return serveHTTP(ctx, h, func() error { return h.Serve(failed.Listen(l, config)) })
	}})
	return tasks, nil
}

// serverTLS is the server's certificate, for every name and address under which it is reached.
func (k *kit) serverTLS() (*tls.Config, error) {
	names, addrs := k.reached()
	pair, err := k.ca.ServerPair(filepath.Join(k.config.DataDir, "ca"), "server", names, addrs)
	if err != nil {
		return nil, fmt.Errorf("making the server's certificate: %w", err)
	}
	return k.ca.TLSConfig(pair), nil
}

// reached is every name and address under which this server is reached.
func (k *kit) reached() (names []string, addrs []netip.Addr) {
	names = []string{"localhost"}
	addrs = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	more := k.config.Agent.Names
	if host, _, err := net.SplitHostPort(k.config.Listen); err == nil && host != "" {
		more = append(more[:len(more):len(more)], host)
	}
	for _, n := range more {
		if a, err := netip.ParseAddr(n); err == nil {
			addrs = append(addrs, a)
		} else {
			names = append(names, n)
		}
	}
	for _, s := range k.config.Subnets {
		if s.Server.IsValid() {
			addrs = append(addrs, s.Server)
		}
	}
	for _, s := range k.config.Subnets6 {
		addrs = append(addrs, s.Server)
	}
	return names, addrs
}

// catalogue lists the images for people.
type catalogue struct{ images *images.Store }

// Images implements web.Catalogue.
func (c catalogue) Images(context.Context) ([]api.Image, error) {
	list, err := c.images.List()
	if err != nil {
		return nil, err
	}
	all := make([]api.Image, 0, len(list))
	for _, i := range list {
		ix := i.Index
		one := api.Image{Name: i.Name, Digest: i.Digest, Kind: ix.Kind, Arch: ix.Arch, Size: ix.Size, Stored: i.Stored, Firmware: ix.Firmware, Recipe: ix.Recipe}
		if !ix.Created.IsZero() {
			one.Created = &ix.Created
		}
		all = append(all, one)
	}
	return all, nil
}
