package agent

import (
	"context"
	"errors"
	"strings"

	"socle/agent/cable"
	"socle/api"
	"socle/hardware"
)

// collect measures the machine and adds what is plugged in, as far as it was heard.
func (a *Agent) collect(ctx context.Context) hardware.Facts {
	measure := a.Collect
	if measure == nil {
		measure = a.Root.Collect
	}
	f := measure(ctx)
	for i := range f.NICs {
		n := &f.NICs[i]
		n.Boot = n.Name == a.BootNIC && n.Name != "" || a.BootNIC == "" && a.Params.MAC != "" && strings.EqualFold(n.MAC, a.Params.MAC)
	}
	if a.Listen == nil {
		return f
	}
	if now := a.Now(); a.ports == nil {
		a.ports = cable.New(f.NICs, now)
	}
	f.SetLinks(a.ports.Links(a.Now()), a.Now())
	return f
}

// post sends the facts until they are answered. A server that does not want them says so on the console; that is no reason
// to stop.
func (a *Agent) post(ctx context.Context, order string) error {
	a.posting.Lock()
	defer a.posting.Unlock()
	f := a.collect(ctx)
	err := a.persist(ctx, "posting facts", func() error {
		return a.Client.Facts(ctx, api.FactsPost{Order: order, Facts: f})
	})
	if err == nil && a.ports != nil {
		a.told = f.Links()
	}
	return a.refused(ctx, err, "The server does not take this machine's facts")
}

// refused says that the server does not want something, and keeps only the errors that end a session.
func (a *Agent) refused(ctx context.Context, err error, what string) error {
	if err == nil || errors.Is(err, ErrEnded) || ctx.Err() != nil {
		return err
	}
	a.Log.Error(what, "err", err)
	return nil
}
