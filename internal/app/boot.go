package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"socle/dhcp"
	"socle/dhcp/probe"
	"socle/internal/depot"
	"socle/inventory"
	"socle/provision"
	"socle/pxe"
	"socle/pxe/tftp"
)

// planner lets the boot scripts ask the engine.
type planner struct {
	engine *provision.Engine
	server string // URL of the API for who asks
}

// Plan implements pxe.Planner.
func (p planner) Plan(ctx context.Context, c pxe.Client) (pxe.Plan, error) {
	id := inventory.Identity{Serial: c.Serial, UUID: c.UUID, AssetTag: c.AssetTag, NICMACs: []string{c.MAC}}
	b, err := p.engine.PlanBoot(ctx, id.Normalize(), p.server)
	return pxe.Plan{Target: b.Target, Machine: b.Machine, Name: b.Name, Params: b.Params}, err
}

// scripts says how boot scripts are made under one of our addresses, which they name: for iPXE by HTTP and for
// GRUB by TFTP.
func (k *kit) scripts(own netip.Addr) pxe.HTTPOptions {
	return pxe.HTTPOptions{BootURL: k.bootURLAt(own), Planner: planner{k.engine, k.agentURLAt(own)}, Files: k.files,
		Recorder: k.recorder, Holder: k.holds, RequireLease: k.config.Runs("dhcp") && k.config.Leases(), Log: k.log}
}

// bootHandler hands out scripts and files under one of our addresses.
func (k *kit) bootHandler(own netip.Addr) (http.Handler, error) { return pxe.NewHTTP(k.scripts(own)) }

func (k *kit) bootTasks(ctx context.Context) ([]Task, error) {
	handler, err := k.bootHandlers()
	if err != nil {
		return nil, err
	}
	handler = k.withMedia(handler)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", k.config.Boot.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for boot HTTP (boot.listen): %w", err)
	}
	plain := http.NewServeMux()
	plain.Handle("/", handler)
	plain.Handle(depot.Pattern, k.firmware)
	s := pxe.NewServer(plain, pxe.ServerLimits{}, k.log.With("service", "boot HTTP"))
	tasks := []Task{{"boot HTTP", func(ctx context.Context) error { return serveHTTP(ctx, s, func() error { return s.Serve(l) }) }}}
	if k.config.Boot.TLS != "" {
		secure, err := k.bootTLSTask(ctx, handler)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		tasks = append(tasks, secure)
	}
	return tasks, nil
}

func (k *kit) tftpTasks(context.Context) ([]Task, error) {
	grub, err := pxe.NewGRUB(k.scripts(k.config.Server()))
	if err != nil {
		return nil, err
	}
	var rules []tftp.Rule
	for _, r := range k.config.Boot.TFTPRules {
		rules = append(rules, tftp.Rule(r))
	}
	t, err := pxe.NewTFTP(pxe.TFTPOptions{Listen: k.config.Boot.TFTP, Files: k.files, Resolve: grub, Recorder: k.recorder, Holder: k.holds, Rules: rules, Log: k.log})
	if err != nil {
		return nil, err
	}
	if err := t.Listen(); err != nil {
		return nil, fmt.Errorf("listening for TFTP (boot.tftp): %w", err)
	}
	return []Task{{"TFTP", t.Serve}}, nil
}

func (k *kit) dhcpTasks(context.Context) ([]Task, error) {
	four, err := k.dhcp4Tasks()
	if err != nil {
		return nil, err
	}
	six, err := k.dhcp6Tasks()
	if err != nil {
		return nil, err
	}
	return append(four, six...), nil
}

func (k *kit) dhcp4Tasks() ([]Task, error) {
	if len(k.config.Subnets) == 0 {
		return nil, nil
	}
	var subnets []inventory.Subnet
	for _, s := range k.config.Subnets {
		subnets = append(subnets, s.Inventory())
	}
	alarms := newAlarms(k.store, k.log)
	others := probe.NewWatch(probe.WatchOptions{Subnets: subnets, Allowed: k.config.DHCP.Allowed, Record: k.recorder.Record, Raise: alarms.raise, Log: k.log})
	s, err := dhcp.New(dhcp.Options{Subnets: subnets, View: hosts{k.view, k.tries}, Leases: k.store, Recorder: others, Alarm: alarms.raise,
		BootURL: k.bootURL(), BootTLSURL: k.bootTLSURL(), BootTries: k.config.Boot.Tries, Log: k.log})
	if err != nil {
		return nil, err
	}
	k.holder = s.Holder
	k.dhcp.Store(s)
	tasks := []Task{{"DHCP", s.Serve}, {"DHCP alarms", alarms.run}}
	if k.config.DHCP.Probe {
		tasks = append(tasks, Task{"other DHCP servers", others.Run})
	}
	return tasks, nil
}

// holds names the MAC of a lease; nobody when DHCP runs elsewhere.
func (k *kit) holds(a netip.Addr) (string, bool) {
	holder := k.holder
	if a.Is6() {
		holder = k.holder6
	}
	if holder == nil {
		return "", false
	}
	return holder(a)
}

// serveHTTP runs serve until ctx ends, then lets requests in progress finish for a moment.
func serveHTTP(ctx context.Context, s *http.Server, serve func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	soft, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.Shutdown(soft); err != nil {
		err = s.Close() // long polls and event streams end here
		if err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	return nil
}
