package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"socle/dhcp"
	"socle/inventory"
	"socle/inventory/store"
)

// view is what DHCP knows of machines: a copy in memory, renewed when the inventory changes here and every
// few seconds for changes of other replicas. While the database is away the last copy stays.
type view struct {
	machines *store.Store
	log      *slog.Logger
	hosts    atomic.Pointer[map[string]dhcp.Host]
	boots    atomic.Pointer[map[string]inventory.NetBoot]
}

const viewEvery = 3 * time.Second

// Host implements dhcp.View.
func (v *view) Host(mac string) (dhcp.Host, bool) {
	h, ok := (*v.hosts.Load())[mac]
	return h, ok
}

// NetBoot tells DHCP what was tried to boot the machine behind a MAC.
func (v *view) NetBoot(mac string) inventory.NetBoot { return (*v.boots.Load())[mac] }

func (v *view) refresh(ctx context.Context) error {
	machines, err := v.machines.Machines(ctx)
	if err != nil {
		return fmt.Errorf("reading the machines for DHCP: %w", err)
	}
	boots, err := v.machines.NetBoots(ctx)
	if err != nil {
		return err
	}
	hosts := make(map[string]dhcp.Host, len(machines))
	for _, m := range machines {
		if m.State == inventory.Retired {
			continue
		}
		for _, mac := range m.Identity.NICMACs {
			if m.Facts != nil && m.Facts.Firmware.SecureBoot {
				n := boots[mac]
				n.SecureBoot = true
				boots[mac] = n
			}
			hosts[mac] = dhcp.Host{Machine: m.ID, Name: m.Name, Boot: m.Boot}
		}
	}
	v.boots.Store(&boots)
	v.hosts.Store(&hosts)
	return nil
}

func (v *view) run(ctx context.Context) error {
	changes, cancel := v.machines.Subscribe()
	defer cancel()
	tick := time.NewTicker(viewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-tick.C:
		}
		if err := v.refresh(ctx); err != nil && ctx.Err() == nil {
			v.log.Warn("DHCP answers from the last copy of the inventory", "err", err)
		}
	}
}
