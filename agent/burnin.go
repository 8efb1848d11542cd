package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"socle/agent/burnin"
	"socle/agent/disk"
	"socle/agent/probe"
	"socle/agent/smart"
	"socle/api"
	"socle/hardware"
)

// burnIn puts the machine under load. Disks that can be taken out, such as a stick, are not the server's.
func burnIn(ctx context.Context, a *Agent, o api.Order, p *progress) (any, error) {
	plan := burnin.Plan{Sys: a.Root.Sys, Proc: a.Root.Proc, Health: smart.Read, Progress: func(done, total int64) { p.set(done, total, 0) }}
	if err := params(o, &plan.BurnIn); err != nil {
		return nil, err
	}
	if err := burnin.Check(plan.BurnIn); err != nil {
		return nil, &disk.Failure{Code: api.CodeBadParams, Err: err}
	}
	if err := a.writable(plan.Write); err != nil {
		return nil, err
	}
	for _, d := range a.Root.Disks() {
		if !d.Removable {
			plan.Disks = append(plan.Disks, burnin.Disk{Name: d.Name, Serial: d.Serial, Path: a.Root.DevicePath(d), Bytes: int64(d.SizeBytes)})
		}
	}
	plan.Link = a.link(o.ID)
	result, err := burnin.Run(ctx, plan)
	if err != nil {
		return nil, err
	}
	for _, serial := range plan.Write {
		if err := a.on(serial, func(d *disk.Device, _ hardware.Disk) error { return disk.Blank(d) }); err != nil {
			result.Notes = append(result.Notes, fmt.Sprintf("disk %s is left with what the test wrote: %v", probe.Clean(serial), err))
		}
	}
	return result, nil
}

// writable tells what is wrong with one of the disks that a test shall write to, before it has written to any.
func (a *Agent) writable(serials []string) error {
	for _, serial := range serials {
		err := a.on(serial, func(_ *disk.Device, d hardware.Disk) error {
			if d.Removable {
				return &disk.Failure{Code: api.CodeNoDisk, Err: fmt.Errorf("disk %s (%s) can be taken out, and is not the server's", d.Serial, d.Name)}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// link is the interface that has the address, and how another server is found to test it with.
func (a *Agent) link(order string) *burnin.Link {
	for _, n := range a.Root.NICs() {
		if n.Name != a.BootNIC && (a.BootNIC != "" || !strings.EqualFold(n.MAC, a.Params.MAC)) {
			continue
		}
		return &burnin.Link{
			Name: n.Name, MAC: n.MAC, Dial: (&net.Dialer{}).DialContext,
			Listen:  func(ctx context.Context) (net.Listener, error) { return (&net.ListenConfig{}).Listen(ctx, "tcp", ":0") },
			Partner: func(ctx context.Context, port int) (api.Partner, error) { return a.partner(ctx, order, port) },
		}
	}
	return nil
}

// partnerPause is how long is waited before a server that did not answer is asked again.
const partnerPause = 2 * time.Second

// partner asks the server until another one has come, or ctx ends.
func (a *Agent) partner(ctx context.Context, order string, port int) (api.Partner, error) {
	for {
		p, err := a.Client.Partner(ctx, order, port)
		var status *StatusError
		switch {
		case ctx.Err() != nil:
			return api.Partner{}, burnin.ErrNobody
		case p != nil:
			return *p, nil
		case errors.As(err, &status) && !status.temporary():
			return api.Partner{}, err
		case err == nil:
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(partnerPause):
		}
	}
}
