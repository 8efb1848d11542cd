package webtest

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"socle/api"
	"socle/inventory"
)

// PutBaseline implements web.Baselines. What has no rules is wrong in its first line.
func (w *World) PutBaseline(_ context.Context, actor string, text []byte) (inventory.Baseline, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !strings.Contains(string(text), "rules:") {
		p := api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the baseline has 1 error; nothing was stored")
		p.Errors = []api.ErrorDetail{{Location: "line 1, rules", Message: "a baseline has a list of rules"}}
		return inventory.Baseline{}, p
	}
	w.baselines = append([]inventory.Baseline{{Name: "autumn", Version: len(w.baselines) + 1, Text: string(text), Actor: actor, Time: w.Now()}}, w.baselines...)
	return w.baselines[0], w.fail
}

// Baseline implements web.Baselines.
func (w *World) Baseline(_ context.Context, name string, version int) (inventory.Baseline, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.document(w.baselines, name, version)
}

func (w *World) document(all []inventory.Document, name string, version int) (inventory.Document, error) {
	for _, d := range all {
		if (name == "" || d.Name == name) && (version == 0 || d.Version == version) {
			return d, w.fail
		}
	}
	return inventory.Document{}, fmt.Errorf("document %q: %w", name, inventory.ErrNotFound)
}

// Baselines implements web.Baselines.
func (w *World) Baselines(context.Context) ([]inventory.Baseline, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.baselines, w.fail
}

// FirmwareReport implements web.Baselines: the BIOS of machines whose name begins with hv is old.
func (w *World) FirmwareReport(_ context.Context, ref, _ string) (api.FirmwareReport, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.ask(ref, ""); err != nil {
		return api.FirmwareReport{}, err
	}
	bios := api.FirmwareFinding{ID: "BIOS", Name: "BIOS", Version: "3.4", Asks: ">= 3.8a", State: "older"}
	if !strings.HasPrefix(ref, "hv") {
		bios.Version, bios.State = "3.8a", "ok"
	}
	return api.FirmwareReport{Machine: ref, Vendor: "Supermicro", Model: "SYS", Baseline: "autumn", Version: 1,
		Findings: []api.FirmwareFinding{bios, {ID: "BMC", Name: "BMC", Version: "1.73.06", State: "not asked"}}}, w.fail
}

// UpdateFirmware implements web.Campaigns: the first machine is done and the second failed.
func (w *World) UpdateFirmware(_ context.Context, actor string, r api.UpdateRequest) (inventory.Campaign, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	waves, err := inventory.ParseWaves(r.Waves)
	if err != nil {
		return inventory.Campaign{}, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	}
	w.calls = append(w.calls, actor+": update "+strings.Join(r.Machines, ","))
	c := inventory.Campaign{ID: "c1", Baseline: r.Baseline, Version: 1, Waves: waves, Parallel: 8, Active: r.Active, Actor: actor, Began: w.Now()}
	for i, name := range r.Machines {
		u := inventory.Update{Name: name, State: inventory.UpdateWaiting}
		switch i {
		case 0:
			u.State, u.Reason = inventory.UpdateDone, "BIOS 3.4 to >= 3.8a"
		case 1:
			u.State, u.Reason = inventory.UpdateFailed, "the BMC failed to update BIOS"
			u.Items = []inventory.UpdateItem{{Component: "BIOS", From: "3.4", Asks: ">= 3.8a", Phase: inventory.PhaseFollow}}
			c.Stopped, c.Reason = w.Now(), name+" failed"
		}
		c.Updates = append(c.Updates, u)
	}
	w.campaign = c
	return c, w.fail
}

// Campaign implements web.Campaigns.
func (w *World) Campaign(_ context.Context, id string) (inventory.Campaign, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.campaign.ID == "" || id != "" && id != w.campaign.ID {
		return inventory.Campaign{}, fmt.Errorf("campaign %q: %w", id, inventory.ErrNotFound)
	}
	return w.campaign, w.fail
}

// Campaigns implements web.Campaigns.
func (w *World) Campaigns(context.Context) ([]inventory.Campaign, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.campaign.ID == "" {
		return nil, w.fail
	}
	return []inventory.Campaign{w.campaign}, w.fail
}

// StopCampaign implements web.Campaigns.
func (w *World) StopCampaign(ctx context.Context, actor, id string, end bool) (inventory.Campaign, error) {
	return w.steer(ctx, id, fmt.Sprintf("%s: stop the campaign, end %v", actor, end))
}

// ResumeCampaign implements web.Campaigns.
func (w *World) ResumeCampaign(ctx context.Context, actor, id string) (inventory.Campaign, error) {
	return w.steer(ctx, id, actor+": resume the campaign")
}

func (w *World) steer(ctx context.Context, id, call string) (inventory.Campaign, error) {
	c, err := w.Campaign(ctx, id)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls = append(w.calls, call)
	}
	return c, err
}
