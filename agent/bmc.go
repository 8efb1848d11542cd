package agent

import (
	"context"
	"errors"

	"socle/agent/disk"
	"socle/agent/ipmi"
	"socle/api"
)

// bmcAccount makes an administrator of the server's BMC, over the kernel's driver.
func bmcAccount(ctx context.Context, a *Agent, o api.Order, _ *progress) (any, error) {
	var w api.BMCAccount
	if err := params(o, &w); err != nil {
		return nil, err
	}
	d, err := a.Root.BMC()
	if errors.Is(err, ipmi.ErrNone) {
		return nil, &disk.Failure{Code: api.CodeNoBMC, Err: err}
	}
	if err != nil {
		return nil, &disk.Failure{Code: api.CodeBMC, Err: err}
	}
	defer func() { _ = d.Close() }()
	return putAccount(ctx, d, w)
}

func putAccount(ctx context.Context, c ipmi.Controller, w api.BMCAccount) (any, error) {
	m, err := ipmi.PutAccount(ctx, c, w.User, w.Password)
	if err != nil {
		return nil, &disk.Failure{Code: api.CodeBMC, Err: err}
	}
	return api.BMCAccountResult{ID: m.ID, Channel: m.Channel, Address: m.Address, MAC: m.MAC, Notes: m.Notes}, nil
}
