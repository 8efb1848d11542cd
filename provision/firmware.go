package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"socle/inventory"
	"socle/inventory/baseline"
)

// update is one machine of a campaign, as it was looked at.
type update struct {
	*Engine
	c inventory.Campaign
	u inventory.Update
	m inventory.Machine
}

// updateFirmware does the next thing for a machine of a campaign and says when to look again; 0: it is over.
func (e *Engine) updateFirmware(ctx context.Context, id, machine string) (time.Duration, error) {
	for {
		c, err := e.Store.Campaign(ctx, id)
		if err != nil {
			return 0, err
		}
		u := c.Update(machine)
		if u == nil || u.State != inventory.UpdateWorking {
			return 0, nil
		}
		m, err := e.Store.Machine(ctx, machine)
		if err != nil {
			return 0, err
		}
		x := &update{Engine: e, c: c, u: *u, m: m}
		again, err := x.once(ctx)
		var f *Failure
		switch {
		case errors.Is(err, errStale):
		case errors.As(err, &f):
			if err := x.fail(ctx, err, f); err != nil && !errors.Is(err, errStale) {
				return 0, err
			}
		case err != nil || again > 0:
			return again, err
		}
	}
}

// once goes through one phase. It has stored what became of it when it returns nothing.
func (x *update) once(ctx context.Context) (again time.Duration, err error) {
	if len(x.u.Items) == 0 {
		return 0, x.begin(ctx)
	}
	item := x.u.Item()
	if item == nil {
		return 0, x.finish(ctx)
	}
	switch item.Phase {
	case inventory.PhaseWaiting:
		return 0, x.intend(ctx)
	case inventory.PhaseOrder:
		return x.order(ctx, *item)
	case inventory.PhaseFollow:
		return x.follow(ctx, *item)
	case inventory.PhaseBack:
		return x.back(ctx, *item)
	case inventory.PhaseRestart:
		if err := x.Updates.RestartBMC(ctx, x.m); err != nil {
			return x.patience(*item, x.UpdateLimits.Settle, err)
		}
		return 0, x.enter(ctx, inventory.PhaseVerify, "")
	case inventory.PhaseOff:
		return x.power(ctx, *item, "off", inventory.PhaseOn)
	case inventory.PhaseOn:
		return x.power(ctx, *item, "on", inventory.PhaseVerify)
	case inventory.PhaseVerify:
		return x.verify(ctx, *item)
	case inventory.PhaseDone:
	}
	return 0, fmt.Errorf("updating the firmware of %s: phase %q is not known", x.m.Name, item.Phase)
}

// change stores what became of the machine's update, if it still is where it was looked at. words become an event.
func (x *update) change(ctx context.Context, words string, fn func(*inventory.Update)) error {
	_, err := x.Store.ChangeCampaign(ctx, x.c.ID, func(c *inventory.Campaign) ([]inventory.Event, error) {
		u := c.Update(x.u.Machine)
		if u == nil || u.State != x.u.State || len(u.Items) != len(x.u.Items) || !slices.Equal(u.Items, x.u.Items) {
			return nil, errStale
		}
		fn(u)
		if words == "" {
			return nil, nil
		}
		return []inventory.Event{{Time: x.Now(), Machine: x.m.ID, Name: x.m.Name, Actor: inventory.ActorProvision, Kind: "firmware", Reason: words}}, nil
	})
	return err
}

// enter goes on to a phase.
func (x *update) enter(ctx context.Context, p inventory.Phase, words string) error {
	return x.change(ctx, words, func(u *inventory.Update) { i := u.Item(); i.Phase, i.At = p, x.Now() })
}

// end is change to a state in which nothing more is done.
func (x *update) end(ctx context.Context, s inventory.UpdateState, reason string) error {
	return x.change(ctx, "firmware: "+string(s)+": "+reason, func(u *inventory.Update) { u.State, u.Reason, u.Since = s, reason, x.Now() })
}

// begin looks whether the machine may be updated and what there is to do, and takes it out of all others' hands.
func (x *update) begin(ctx context.Context) error {
	if reason := x.unfit(); reason != "" {
		return x.end(ctx, inventory.UpdateSkipped, reason)
	}
	look, err := x.Updates.Look(ctx, x.m)
	var f *Failure
	if errors.As(err, &f) {
		return x.end(ctx, inventory.UpdateSkipped, err.Error())
	}
	if err != nil {
		return err
	}
	if err := sameServer(&x.m, BMCInfo{Serial: look.Serial}); err != nil {
		return x.end(ctx, inventory.UpdateSkipped, err.Error())
	}
	items, obstacle, err := x.plan(ctx, &x.c, look)
	switch {
	case err != nil:
		return err
	case obstacle == "" && len(items) == 0:
		return x.end(ctx, inventory.UpdateUnneeded, "nothing is below the baseline")
	case obstacle != "":
	case look.Power != inventory.PowerOn:
		obstacle = "it is not on, its power is " + string(look.Power)
	case look.Health == inventory.HealthCritical:
		obstacle = "its BMC says of itself that it is critical"
	}
	if obstacle != "" {
		return x.end(ctx, inventory.UpdateSkipped, obstacle)
	}
	if err := x.hold(ctx, "its firmware is being updated"); err != nil {
		return err
	}
	return x.change(ctx, "firmware is to be updated: "+words(items), func(u *inventory.Update) { u.Items, u.Health = items, look.Health })
}

func words(items []inventory.UpdateItem) string {
	var parts []string
	for _, i := range items {
		parts = append(parts, fmt.Sprintf("%s %s to %s", i.Component, i.From, i.Asks))
	}
	return strings.Join(parts, ", ")
}

// unfit says why a machine is left alone.
func (x *update) unfit() string {
	switch m := &x.m; {
	case m.Held() && m.Hold.Actor != inventory.ActorFirmware:
		return "held by " + m.Hold.Actor + ": " + m.Hold.Reason
	case !m.BMC.Known():
		return "no BMC of it is known"
	case m.BMC.Rotation != nil:
		return "the login of its BMC is being changed"
	case !m.State.Stable():
		return "it is " + string(m.State)
	case m.State == inventory.Active && !x.c.Active:
		return "it is active, and the order does not name active machines (--active)"
	case m.State == inventory.Retired:
		return "it is retired"
	case m.Serial() != x.u.Serial:
		return fmt.Sprintf("its serial was %q when the update was ordered, and is %q", x.u.Serial, m.Serial())
	}
	return ""
}

// hold keeps everybody else from the machine: who deploys it meanwhile takes its power away. One that was held by a person
// meanwhile stays so.
func (x *update) hold(ctx context.Context, reason string) error {
	_, err := x.Store.Change(ctx, x.m.ID, inventory.ActorFirmware, func(m *inventory.Machine) (inventory.Note, error) {
		if m.Held() && (m.Hold.Actor != inventory.ActorFirmware || m.Hold.Reason == reason) {
			return inventory.Note{}, nil
		}
		m.Hold = &inventory.Hold{Reason: reason, Actor: inventory.ActorFirmware, Since: x.Now()}
		return inventory.Note{Kind: "hold", Reason: reason}, nil
	})
	return err
}

// release ends the hold, unless it is a person's by now.
func (x *update) release(ctx context.Context) error {
	_, err := x.Store.Change(ctx, x.m.ID, inventory.ActorFirmware, func(m *inventory.Machine) (inventory.Note, error) {
		if !m.Held() || m.Hold.Actor != inventory.ActorFirmware {
			return inventory.Note{}, nil
		}
		m.Hold = nil
		return inventory.Note{Kind: "release", Reason: "its firmware is not being updated any more"}, nil
	})
	return err
}

func (x *update) finish(ctx context.Context) error {
	if err := x.release(ctx); err != nil {
		return err
	}
	return x.end(ctx, inventory.UpdateDone, words(x.u.Items))
}

// fail ends an update that did not work. The machine stays held: nobody knows what it would do.
func (x *update) fail(ctx context.Context, why error, f *Failure) error {
	if len(x.u.Items) > 0 {
		if err := x.hold(ctx, "its firmware was not updated as it should: "+why.Error()+"; look at it, then release it"); err != nil {
			return err
		}
	}
	return x.end(ctx, inventory.UpdateFailed, why.Error()+"; "+f.Remedy)
}

// intend writes down the next update, unless the campaign was stopped or somebody wants the machine: then what was done
// is done, and the rest is looked at when the campaign goes on.
func (x *update) intend(ctx context.Context) error {
	if !x.c.Running() || x.c.Count(inventory.UpdateFailed) > 0 {
		if err := x.release(ctx); err != nil {
			return err
		}
		return x.change(ctx, "", func(u *inventory.Update) {
			u.State, u.Items, u.Reason = inventory.UpdateWaiting, nil, "the campaign was stopped before"
		})
	}
	if x.m.Held() && x.m.Hold.Actor != inventory.ActorFirmware {
		return x.end(ctx, inventory.UpdateSkipped, "held by "+x.m.Hold.Actor+": "+x.m.Hold.Reason)
	}
	item := x.u.Item()
	return x.enter(ctx, inventory.PhaseOrder, fmt.Sprintf("updating %s from %s to %s", item.Component, item.From, item.Asks))
}

// installed finds out which version of a component runs, and whether it is what is asked for.
func installed(look inventory.FirmwareLook, item inventory.UpdateItem) (version string, met bool) {
	for _, c := range look.Components {
		if item.Is(c) {
			return c.Version, baseline.Met(c.Version, item.Asks)
		}
	}
	return "", false
}

// order tells the BMC, after a look: an update that was ordered before this process was killed is not ordered again.
func (x *update) order(ctx context.Context, item inventory.UpdateItem) (time.Duration, error) {
	look, err := x.Updates.Look(ctx, x.m)
	if err != nil {
		return x.patience(item, x.UpdateLimits.Settle, err)
	}
	if _, met := installed(look, item); met {
		return 0, x.enter(ctx, inventory.PhaseVerify, "")
	}
	running, err := x.Updates.Task(ctx, x.m, "")
	if err != nil {
		return x.patience(item, x.UpdateLimits.Settle, err)
	}
	task, adopted := running.Task, true
	if task == "" || task == x.u.Stuck {
		if task, err = x.Updates.StartUpdate(ctx, x.m, item); err != nil {
			return x.patience(item, x.UpdateLimits.Settle, err)
		}
		adopted = false
	}
	return 0, x.change(ctx, "", func(u *inventory.Update) {
		i := u.Item()
		i.Phase, i.At, i.Task, i.Adopted = inventory.PhaseFollow, x.Now(), task, adopted
	})
}

// authPause is how long a BMC is left alone that refused the login after its firmware was updated: some do while they
// start. It is longer than a refused login is remembered, and rare enough that no account is locked.
const authPause = 11 * time.Minute

// patience bears a failure that may pass, until the phase has lasted too long.
func (x *update) patience(item inventory.UpdateItem, limit time.Duration, err error) (time.Duration, error) {
	var f *Failure
	if !errors.As(err, &f) || x.Now().Sub(item.At) >= limit {
		return 0, err
	}
	switch starting := item.Phase != inventory.PhaseOrder; {
	case f.Retry:
		return x.UpdateLimits.Poll, nil
	case f.Kind == inventory.FaultBMCAuth && starting:
		return authPause, nil
	}
	return 0, err
}

// trouble is a failure of the firmware itself.
func trouble(format string, args ...any) *Failure {
	return &Failure{Kind: inventory.FaultBMC, Reason: fmt.Sprintf(format, args...),
		Remedy: "see the BMC's own log (socle bmc sel) and its tasks; then socle firmware resume"}
}

// follow looks at the BMC's task until it is over.
func (x *update) follow(ctx context.Context, item inventory.UpdateItem) (time.Duration, error) {
	if item.Task == "" {
		return 0, x.enter(ctx, afterTask(item), "")
	}
	task, err := x.Updates.Task(ctx, x.m, item.Task)
	if err != nil { // it may be restarting into its new firmware
		return x.patience(item, x.UpdateLimits.Task, err)
	}
	switch {
	case task.State == "failed":
		return 0, trouble("the BMC failed to update %s: %s", item.Component, task.Text)
	case task.State == "done" || task.State == "gone" || task.State == "pending" && item.Needs == inventory.NeedsReboot:
		return 0, x.enter(ctx, afterTask(item), "")
	case x.Now().Sub(item.At) <= x.UpdateLimits.Task:
		return x.UpdateLimits.Poll, nil
	case item.Adopted:
		return 0, x.change(ctx, "the BMC's task "+item.Task+" does not end, and is left where it is", func(u *inventory.Update) {
			i := u.Item()
			i.Phase, i.At, u.Stuck = inventory.PhaseOrder, x.Now(), item.Task
		})
	}
	return 0, trouble("the BMC's update of %s is not over after %v, at %d %%: %s", item.Component, x.UpdateLimits.Task, task.Percent, task.Text)
}

// afterTask is what brings the new firmware into force.
func afterTask(item inventory.UpdateItem) inventory.Phase {
	switch item.Needs {
	case inventory.NeedsReboot:
		return inventory.PhaseOff
	case inventory.NeedsBMC:
		return inventory.PhaseBack
	case inventory.NeedsNothing:
	}
	return inventory.PhaseVerify
}

// back waits for a BMC that restarts, and makes one restart that has not.
func (x *update) back(ctx context.Context, item inventory.UpdateItem) (time.Duration, error) {
	err := x.Updates.AwaitBMC(ctx, x.m)
	var look inventory.FirmwareLook
	if err == nil {
		look, err = x.Updates.Look(ctx, x.m)
	}
	if err != nil {
		return x.patience(item, x.UpdateLimits.Settle, err)
	}
	if _, met := installed(look, item); met {
		return 0, x.enter(ctx, inventory.PhaseVerify, "")
	}
	return 0, x.enter(ctx, inventory.PhaseRestart, "restarting the BMC for its new firmware")
}

// power takes the server's power away or gives it back. Each is read back and may be done again: once it is on again,
// it is never taken away, since the server is writing its firmware then.
func (x *update) power(ctx context.Context, item inventory.UpdateItem, action string, next inventory.Phase) (time.Duration, error) {
	if _, err := x.BMC.SetPower(ctx, x.m, action); err != nil {
		return x.patience(item, x.UpdateLimits.Settle, err)
	}
	return 0, x.enter(ctx, next, "power "+action+" for its new firmware")
}

// verify looks at what runs, and how the BMC is, until both are as they should be.
func (x *update) verify(ctx context.Context, item inventory.UpdateItem) (time.Duration, error) {
	late := x.Now().Sub(item.At) > x.UpdateLimits.Settle
	look, err := x.Updates.Look(ctx, x.m)
	if err != nil {
		return x.patience(item, x.UpdateLimits.Settle, err)
	}
	version, met := installed(look, item)
	worse := look.Health.Bad() && look.Health.Worse(x.u.Health) == look.Health && look.Health != x.u.Health
	switch {
	case met && !worse:
		return 0, x.enter(ctx, inventory.PhaseDone, fmt.Sprintf("%s was updated from %s to %s, which runs; the BMC is well", item.Component, item.From, version))
	case !late:
		return x.UpdateLimits.Poll, nil
	case met:
		return 0, trouble("%s is %s now, and the BMC says of itself that it is %s; before it was %s", item.Component, version, look.Health, x.u.Health)
	case item.Adopted: // it was another one's task that was followed
		return 0, x.enter(ctx, inventory.PhaseOrder, "")
	}
	return 0, trouble("the BMC says that %s was updated, and still runs %s; %s was asked for", item.Component, version, item.Asks)
}
