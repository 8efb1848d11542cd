package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/baseline"
)

// Updater sees to the firmware behind a BMC. Its errors are *Failure.
type Updater interface {
	Look(ctx context.Context, m inventory.Machine) (inventory.FirmwareLook, error)
	// StartUpdate orders one update and returns the BMC's task; empty when it names none.
	StartUpdate(ctx context.Context, m inventory.Machine, item inventory.UpdateItem) (task string, err error)
	// Task looks at a task; with an empty one, at the newest that is not over, which is empty when there is none.
	Task(ctx context.Context, m inventory.Machine, task string) (UpdateTask, error)
	// AwaitBMC waits for a BMC that restarts by itself; RestartBMC makes it restart, and waits.
	AwaitBMC(ctx context.Context, m inventory.Machine) error
	RestartBMC(ctx context.Context, m inventory.Machine) error
}

// UpdateTask is how a BMC's own task stands.
type UpdateTask struct {
	Task    string // empty: there is none
	State   string // "running", "pending" (for a boot), "done", "failed" or "gone"
	Percent int
	Text    string
}

// UpdateLimits bound an update. A zero value takes the default.
type UpdateLimits struct {
	Task   time.Duration // from the order to the end of the BMC's task; 45 min
	Settle time.Duration // until what runs afterwards is what was asked for; 20 min
	Poll   time.Duration // between two looks; 5 s
}

func (l UpdateLimits) withDefaults() UpdateLimits {
	for _, d := range []struct {
		value *time.Duration
		byDef time.Duration
	}{{&l.Task, 45 * time.Minute}, {&l.Settle, 20 * time.Minute}, {&l.Poll, 5 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.byDef
		}
	}
	return l
}

// Campaigns keeps baselines, and the campaigns that bring machines to them. ChangeCampaign calls fn on a fresh copy,
// one call after the other for each campaign.
type Campaigns interface {
	Baseline(ctx context.Context, name string, version int) (inventory.Baseline, error)
	StartCampaign(ctx context.Context, c inventory.Campaign, e inventory.Event) (inventory.Campaign, error)
	Campaign(ctx context.Context, id string) (inventory.Campaign, error)
	Campaigns(ctx context.Context) ([]inventory.Campaign, error)
	ChangeCampaign(ctx context.Context, id string, fn func(*inventory.Campaign) ([]inventory.Event, error)) (inventory.Campaign, error)
}

// usualParallel is how many machines of a campaign are worked on at once.
const usualParallel = 8

// UpdateFirmware orders a campaign. It is written down with the machines' serials, and goes on by itself.
func (e *Engine) UpdateFirmware(ctx context.Context, actor string, r api.UpdateRequest) (inventory.Campaign, error) {
	if e.Updates == nil {
		return inventory.Campaign{}, problem(http.StatusNotImplemented, api.ErrInvalid, "this server does not update firmware")
	}
	b, err := e.Store.Baseline(ctx, r.Baseline, 0)
	if errors.Is(err, inventory.ErrNotFound) {
		return inventory.Campaign{}, problem(http.StatusNotFound, api.ErrNotFound, "there is no baseline %q: socle firmware baseline list", r.Baseline)
	}
	if err != nil {
		return inventory.Campaign{}, err
	}
	waves, err := inventory.ParseWaves(r.Waves)
	if err != nil {
		return inventory.Campaign{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "%v", err)
	}
	c := inventory.Campaign{Baseline: b.Name, Version: b.Version, Waves: waves, Parallel: r.Parallel, Active: r.Active, Actor: actor, Began: e.Now()}
	if c.Parallel == 0 {
		c.Parallel = usualParallel
	}
	for _, ref := range r.Machines {
		m, err := e.find(ctx, ref)
		if err != nil {
			return inventory.Campaign{}, err
		}
		if c.Update(m.ID) == nil {
			c.Updates = append(c.Updates, inventory.Update{Machine: m.ID, Name: m.Name, Serial: m.Serial(), State: inventory.UpdateWaiting})
		}
	}
	c, err = e.Store.StartCampaign(ctx, c, campaignEvent(e.Now(), actor, fmt.Sprintf("firmware of %s is to be brought to version %d of the baseline %s, in waves of %v",
		inventory.Plural(len(c.Updates), "machine"), b.Version, b.Name, waves)))
	if errors.Is(err, inventory.ErrCampaign) {
		return c, problem(http.StatusConflict, api.ErrConflict, "another campaign is not over: see socle firmware status; stop it, and end it with socle firmware stop --end")
	}
	if err != nil {
		return c, err
	}
	return c, e.queueCampaign(ctx, c.ID)
}

func campaignEvent(at time.Time, actor, reason string) inventory.Event {
	return inventory.Event{Time: at, Actor: actor, Kind: "firmware", Reason: reason}
}

// StopCampaign lets a campaign begin nothing new; updates that are under way go to their end. With end it is over when
// they are, and another one can be ordered.
func (e *Engine) StopCampaign(ctx context.Context, actor, id string, end bool) (inventory.Campaign, error) {
	return e.changeCampaign(ctx, id, func(c *inventory.Campaign) ([]inventory.Event, error) {
		if !c.Open() {
			return nil, problem(http.StatusConflict, api.ErrConflict, "the campaign is over")
		}
		if c.Running() {
			c.Stopped, c.Reason = e.Now(), "stopped by "+actor
		}
		if c.End = c.End || end; c.End && c.Count(inventory.UpdateWorking) == 0 {
			c.Ended = e.Now()
		}
		return []inventory.Event{campaignEvent(e.Now(), actor, "the firmware campaign was stopped")}, nil
	})
}

// ResumeCampaign lets a stopped campaign go on. Machines that failed or were skipped are tried again: what was reached
// is seen, and not done a second time.
func (e *Engine) ResumeCampaign(ctx context.Context, actor, id string) (inventory.Campaign, error) {
	c, err := e.changeCampaign(ctx, id, func(c *inventory.Campaign) ([]inventory.Event, error) {
		if !c.Open() || c.End {
			return nil, problem(http.StatusConflict, api.ErrConflict, "the campaign is over: order another one")
		}
		c.Stopped, c.Reason = time.Time{}, ""
		for i := range c.Updates {
			if u := &c.Updates[i]; u.State == inventory.UpdateFailed || u.State == inventory.UpdateSkipped {
				u.State, u.Reason, u.Items = inventory.UpdateWaiting, "", nil
			}
		}
		return []inventory.Event{campaignEvent(e.Now(), actor, "the firmware campaign goes on")}, nil
	})
	if err != nil {
		return c, err
	}
	return c, e.queueCampaign(ctx, c.ID)
}

// changeCampaign is a person's change of a campaign; "" is the newest one.
func (e *Engine) changeCampaign(ctx context.Context, id string, fn func(*inventory.Campaign) ([]inventory.Event, error)) (inventory.Campaign, error) {
	if id == "" {
		c, err := e.Store.Campaign(ctx, "")
		if err != nil {
			return c, err
		}
		id = c.ID
	}
	return e.Store.ChangeCampaign(ctx, id, fn)
}

// Campaign reads a campaign; "" is the newest one.
func (e *Engine) Campaign(ctx context.Context, id string) (inventory.Campaign, error) {
	return e.Store.Campaign(ctx, id)
}

// Campaigns lists campaigns without their machines.
func (e *Engine) Campaigns(ctx context.Context) ([]inventory.Campaign, error) {
	return e.Store.Campaigns(ctx)
}

// steerCampaign begins machines, goes from wave to wave, and says when to look again; 0: it is over, or stopped.
func (e *Engine) steerCampaign(ctx context.Context, id string) (time.Duration, error) {
	c, err := e.Store.ChangeCampaign(ctx, id, func(c *inventory.Campaign) ([]inventory.Event, error) {
		now := e.Now()
		begin, over := c.Next()
		for _, u := range begin {
			u.State, u.Wave, u.Since, u.Reason = inventory.UpdateWorking, c.Wave, now, ""
		}
		var events []inventory.Event
		say := func(reason string) { events = append(events, campaignEvent(now, inventory.ActorProvision, reason)) }
		if n := c.Count(inventory.UpdateFailed); n > 0 && c.Running() {
			c.Stopped, c.Reason = now, fmt.Sprintf("%s failed: %s", firstFailed(c).Name, firstFailed(c).Reason)
			say("the firmware campaign stops in wave " + c.Waves[c.Wave].String() + ": " + c.Reason)
		}
		if over && (c.Running() || c.End) && c.Open() {
			c.Ended = now
			say(fmt.Sprintf("the firmware campaign is over: %d updated, %d needed nothing, %d skipped, %d failed, %d not begun", c.Count(inventory.UpdateDone),
				c.Count(inventory.UpdateUnneeded), c.Count(inventory.UpdateSkipped), c.Count(inventory.UpdateFailed), c.Count(inventory.UpdateWaiting)))
		}
		return events, nil
	})
	if err != nil {
		return 0, err
	}
	for _, u := range c.Updates {
		if u.State == inventory.UpdateWorking {
			if err := e.insert(ctx, updateArgs{Campaign: c.ID, Machine: u.Machine}, "the update of "+u.Name); err != nil {
				return 0, err
			}
		}
	}
	if c.Running() || c.Open() && c.Count(inventory.UpdateWorking) > 0 {
		return e.UpdateLimits.Poll, nil
	}
	return 0, nil
}

func firstFailed(c *inventory.Campaign) *inventory.Update {
	for i := range c.Updates {
		if c.Updates[i].State == inventory.UpdateFailed {
			return &c.Updates[i]
		}
	}
	return &inventory.Update{}
}

// plan says what is to be done on a machine for its campaign; what is below and cannot be updated is an obstacle.
func (e *Engine) plan(ctx context.Context, c *inventory.Campaign, look inventory.FirmwareLook) (items []inventory.UpdateItem, obstacle string, err error) {
	b, err := e.Store.Baseline(ctx, c.Baseline, c.Version)
	if err != nil {
		return nil, "", err
	}
	doc, err := baseline.Parse([]byte(b.Text))
	if err != nil {
		return nil, "", fmt.Errorf("version %d of the baseline %s: %w", b.Version, b.Name, err)
	}
	for _, f := range doc.Judge(look.Vendor, look.Model, look.Components) {
		if f.State != baseline.Below {
			continue
		}
		r, component := doc.Rules[f.Rule], f.Component.ID
		if component == "" {
			component = f.Component.Name
		}
		if r.File == "" && r.URL == "" {
			return nil, fmt.Sprintf("%s %s is below %s, and the baseline names no file for it", component, f.Component.Version, r.Version), nil
		}
		items = append(items, inventory.UpdateItem{Component: component, From: f.Component.Version, Asks: r.Asks(), File: r.File, SHA256: r.SHA256, URL: r.URL, Needs: r.Needs})
	}
	return items, "", nil
}
