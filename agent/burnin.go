package agent

import (
	"context"

	"socle/agent/burnin"
	"socle/agent/disk"
	"socle/agent/smart"
	"socle/api"
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
	for _, d := range a.Root.Disks() {
		if !d.Removable {
			plan.Disks = append(plan.Disks, burnin.Disk{Name: d.Name, Serial: d.Serial, Path: a.Root.DevicePath(d), Bytes: int64(d.SizeBytes)})
		}
	}
	result, err := burnin.Run(ctx, plan)
	if err != nil {
		return nil, err
	}
	return result, nil
}
