package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"socle/api"
	"socle/bmc"
	"socle/internal/depot"
	"socle/inventory"
	"socle/inventory/baseline"
	"socle/inventory/store"
	"socle/provision"
)

// updates lets the engine update firmware.
type updates struct {
	*bmcs
	files *depot.Dir
	url   string // where BMCs find this server's boot HTTP; empty: nowhere, files are pushed
}

// Look implements provision.Updater.
func (u *updates) Look(ctx context.Context, m inventory.Machine) (inventory.FirmwareLook, error) {
	return step(ctx, u.bmcs, m, u.driver.LookAtFirmware)
}

// StartUpdate implements provision.Updater.
func (u *updates) StartUpdate(ctx context.Context, m inventory.Machine, item inventory.UpdateItem) (string, error) {
	f := bmc.FirmwareFile{Name: item.File, URL: item.URL}
	if item.SHA256 != "" {
		if err := u.files.Check(item.SHA256); err != nil {
			return "", &provision.Failure{Kind: inventory.FaultRefused, Reason: err.Error(), Remedy: "put the file into the store of this server, then go on with socle firmware resume"}
		}
		f.Open = func() (io.ReadSeekCloser, int64, error) { return u.files.Open(item.SHA256) }
		if u.url != "" {
			f.URL = u.url + depot.Path(item.SHA256, item.File)
		}
	}
	return step(ctx, u.bmcs, m, func(ctx context.Context, t bmc.Target) (string, error) { return u.driver.StartUpdate(ctx, t, f) })
}

// Task implements provision.Updater.
func (u *updates) Task(ctx context.Context, m inventory.Machine, task string) (provision.UpdateTask, error) {
	t, err := step(ctx, u.bmcs, m, func(ctx context.Context, t bmc.Target) (bmc.Task, error) { return u.driver.Task(ctx, t, task) })
	return provision.UpdateTask{Task: t.Path, State: string(t.State), Percent: t.Percent, Text: t.Text}, err
}

// AwaitBMC implements provision.Updater.
func (u *updates) AwaitBMC(ctx context.Context, m inventory.Machine) error {
	_, err := step(ctx, u.bmcs, m, done(u.driver.AwaitBMC))
	return err
}

// RestartBMC implements provision.Updater.
func (u *updates) RestartBMC(ctx context.Context, m inventory.Machine) error {
	_, err := step(ctx, u.bmcs, m, done(u.driver.ResetBMC))
	return err
}

// baselines answers people's questions about firmware.
type baselines struct {
	*desk
	store *store.Store
}

// PutBaseline implements web.Baselines.
func (b baselines) PutBaseline(ctx context.Context, actor string, text []byte) (inventory.Baseline, error) {
	doc, err := baseline.Parse(text)
	var bad baseline.Errors
	if errors.As(err, &bad) {
		p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the baseline has "+inventory.Plural(len(bad), "error")+"; nothing was stored")
		for _, e := range bad {
			p.Errors = append(p.Errors, api.ErrorDetail{Location: fmt.Sprintf("line %d, %s", e.Line, e.Path), Message: e.Message})
		}
		return inventory.Baseline{}, p
	}
	if err != nil {
		return inventory.Baseline{}, err
	}
	return b.store.PutBaseline(ctx, inventory.Baseline{Name: doc.Name, Text: string(text), Actor: actor})
}

// Baseline implements web.Baselines.
func (b baselines) Baseline(ctx context.Context, name string, version int) (inventory.Baseline, error) {
	return b.store.Baseline(ctx, name, version)
}

// Baselines implements web.Baselines.
func (b baselines) Baselines(ctx context.Context) ([]inventory.Baseline, error) {
	return b.store.Baselines(ctx)
}

// FirmwareReport implements web.Baselines.
func (b baselines) FirmwareReport(ctx context.Context, ref, name string) (api.FirmwareReport, error) {
	base, err := b.store.Baseline(ctx, name, 0)
	if err != nil {
		return api.FirmwareReport{}, err
	}
	doc, err := baseline.Parse([]byte(base.Text))
	if err != nil {
		return api.FirmwareReport{}, fmt.Errorf("version %d of the baseline %s: %w", base.Version, base.Name, err)
	}
	m, t, err := b.reach(ctx, ref)
	if err != nil {
		return api.FirmwareReport{}, err
	}
	look, err := b.bmcs.driver.LookAtFirmware(ctx, t)
	if err != nil {
		return api.FirmwareReport{}, problemOf(err)
	}
	out := api.FirmwareReport{Machine: m.Name, Vendor: look.Vendor, Model: look.Model, Baseline: base.Name, Version: base.Version, Findings: []api.FirmwareFinding{}}
	for _, f := range doc.Judge(look.Vendor, look.Model, look.Components) {
		one := api.FirmwareFinding{ID: f.Component.ID, Name: f.Component.Name, Version: f.Component.Version, State: string(f.State), Why: f.Why}
		if f.Rule >= 0 {
			one.Asks = doc.Rules[f.Rule].Asks()
		}
		out.Findings = append(out.Findings, one)
	}
	return out, nil
}
