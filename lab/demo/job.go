package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"socle/api"
	"socle/lab"
	"socle/lab/cloud"
)

// job is what the demo shows: the plan is imported, the build-out started, the stray switched on, and then
// only watched, until every server is where it should be.
func (d *demo) job(ctx context.Context, started time.Time) error {
	reply, err := d.client.Import(ctx, bytes.NewReader(lab.Manifest(d.Spec)), false)
	if err != nil {
		return fmt.Errorf("importing the manifest: %w", err)
	}
	d.say("manifest imported: %v", reply.Added)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan error, 1)
	go func() { watched <- d.watch(watching) }()
	out, err := d.client.BuildOut(ctx)
	if err != nil {
		return fmt.Errorf("starting the build-out: %w", err)
	}
	d.say("build-out started: %v", out.Started)
	for _, s := range d.Spec.Servers {
		if s.Stray {
			d.say("somebody switches on %s, which is in no manifest", s.Name)
			if err := lab.Power(ctx, d.Spec.Name, s.Name, lab.PowerOn); err != nil {
				return fmt.Errorf("switching on %s: %w", s.Name, err)
			}
		}
	}
	machines, err := d.await(ctx)
	stop()
	if werr := <-watched; err == nil && werr != nil && !errors.Is(werr, context.Canceled) {
		err = werr
	}
	d.table(d.whole(ctx, machines), time.Since(started), err)
	return err
}

// whole fetches each machine with what a list leaves out: timing above all.
func (d *demo) whole(ctx context.Context, machines []api.Machine) []api.Machine {
	for i, m := range machines {
		if full, err := d.client.Machine(ctx, m.ID); err == nil {
			machines[i] = full // else the table has a dash
		}
	}
	return machines
}

// every is how often the demo looks at the machines.
const every = 2 * time.Second

// await looks at the machines until all are where they should be or one cannot go on, and meanwhile keeps the
// cloud's rings in step with the storage nodes that have come up.
func (d *demo) await(ctx context.Context) ([]api.Machine, error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var last []api.Machine
	for {
		machines, err := d.client.Machines(ctx, "", "")
		if err == nil {
			last = machines
			done, err := d.settled(machines)
			if err != nil || done {
				return machines, err
			}
			if err := d.join(ctx, machines); err != nil {
				return machines, err
			}
		} else if ctx.Err() == nil {
			d.say("the server does not answer: %v", err)
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("the demo was not done in %s: %w", d.Patience, ctx.Err())
		case <-d.server.ended:
			return last, fmt.Errorf("the server has ended: %s", d.server.lastLine())
		case <-tick.C:
		}
	}
}

// settled tells whether every server of the plan is active and every other one seen, looked at and held. A
// fault that waits for a person ends the demo.
func (d *demo) settled(machines []api.Machine) (bool, error) {
	byserial := map[string]api.Machine{}
	for _, m := range machines {
		byserial[m.Serial] = m
		if m.Fault != nil && m.Fault.RetryAt == nil {
			return false, fmt.Errorf("%s has a fault: %s\n  what to do: %s", m.Name, m.Fault.Reason, m.Fault.Remedy)
		}
	}
	for _, s := range d.Spec.Servers {
		m, ok := byserial[s.Serial]
		switch {
		case !ok:
			return false, nil
		case s.Stray && (m.State != "discovered" || m.Hold == nil || m.FactsAt == nil):
			return false, nil
		case !s.Stray && m.State != "active":
			return false, nil
		}
	}
	return true, nil
}

// join puts the disks of the storage nodes that called home into the cloud's rings.
func (d *demo) join(ctx context.Context, machines []api.Machine) error {
	var disks []cloud.Disk
	for _, m := range machines {
		a, ok := address(m)
		if !ok {
			continue
		}
		for _, disk := range m.Deployed.DataDisks {
			disks = append(disks, cloud.Disk{Address: a, Label: disk.Label, SizeBytes: disk.SizeBytes})
		}
	}
	if len(disks) == 0 {
		return nil
	}
	was := d.cloud.Running()
	if err := d.cloud.SyncRing(ctx, disks); err != nil {
		return fmt.Errorf("putting the storage nodes' disks into the rings: %w", err)
	}
	if !was {
		d.say("the cloud's rings hold %d disks; its proxy is at %s", len(disks), d.cloud.URL())
	}
	return nil
}
