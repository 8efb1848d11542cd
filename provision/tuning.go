package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"socle/api"
	"socle/inventory"
)

// Firmware sees to the settings of servers' firmware by their BMCs. Its errors are *Failure.
type Firmware interface {
	// Bios reads the settings with what may be in them; BiosValues reads the values alone. A job is one that SetBios has
	// returned, to learn whether it is over.
	Bios(ctx context.Context, m inventory.Machine, job string) (inventory.Bios, error)
	BiosValues(ctx context.Context, m inventory.Machine, job string) (inventory.Bios, error)
	// SetBios orders settings for the next boot and reads back that they wait for it. It reboots nothing.
	SetBios(ctx context.Context, m inventory.Machine, want inventory.Values, replaces string) (job string, err error)
	// SecureBoot reads the state of Secure Boot, and with keys what is in its databases.
	SecureBoot(ctx context.Context, m inventory.Machine, keys bool) (inventory.SecureBoot, error)
	// SetSecureBoot switches it for the boots from the next one on; ResetKeys does something to all its keys.
	SetSecureBoot(ctx context.Context, m inventory.Machine, on bool) error
	ResetKeys(ctx context.Context, m inventory.Machine, k inventory.KeyReset) error
}

// tunable finds a machine whose settings can be seen to.
func (e *Engine) tunable(ctx context.Context, ref string) (inventory.Machine, error) {
	m, err := e.find(ctx, ref)
	switch {
	case err != nil:
		return m, err
	case e.Firmware == nil:
		return m, problem(http.StatusNotImplemented, api.ErrInvalid, "this server does not see to the settings of firmware")
	case !m.BMC.Known():
		return m, problem(http.StatusConflict, api.ErrConflict, "no BMC of %s is known: name it in the manifest", m.Name)
	}
	return m, nil
}

// jobOf is the BMC's job for the settings that wait; empty for none.
func jobOf(m *inventory.Machine) string {
	if m.Tuning == nil {
		return ""
	}
	return m.Tuning.Job
}

// Settings reads the settings of a machine's firmware, and how they differ from what its role wants.
func (e *Engine) Settings(ctx context.Context, ref string) (api.SettingsList, error) {
	m, err := e.tunable(ctx, ref)
	if err != nil {
		return api.SettingsList{}, err
	}
	b, err := e.Firmware.Bios(ctx, m, jobOf(&m))
	if err != nil {
		return api.SettingsList{}, asProblem(err)
	}
	list := api.SettingsList{Machine: m.Name, Vendor: b.Vendor, Model: b.Model, Registry: b.Registry, Role: m.Role, Waiting: m.Tuning.String(),
		Settings: []api.Setting{}, Differences: []api.SettingDifference{}}
	for _, a := range b.Attributes {
		list.Settings = append(list.Settings, api.Setting{Name: a.Name, Title: a.Title, Kind: string(a.Kind), Value: a.Value, Pending: a.Pending,
			Default: a.Default, Allowed: a.Allowed, Least: a.Least, Most: a.Most, ReadOnly: a.ReadOnly})
	}
	want, err := e.roleWants(&m, b)
	if err == nil {
		want, err = b.Check(want)
	}
	if err != nil {
		list.Problem = err.Error()
	}
	list.Wanted = len(want)
	list.Differences = differencesOut(b.Diff(want))
	return list, nil
}

func differencesOut(all []inventory.Difference) []api.SettingDifference {
	out := []api.SettingDifference{}
	for _, d := range all {
		out = append(out, api.SettingDifference(d))
	}
	return out
}

// roleWants are the settings that the machine's role wants of its model.
func (e *Engine) roleWants(m *inventory.Machine, b inventory.Bios) (inventory.Values, error) {
	i := slices.IndexFunc(e.Roles, func(r inventory.Role) bool { return r.Name == m.Role })
	switch {
	case m.Role == "":
		return nil, fmt.Errorf("%s has no role yet, so nothing says what its settings are to be", m.Name)
	case i < 0:
		return nil, fmt.Errorf("there is no role %q in the configuration", m.Role)
	}
	return e.Roles[i].WantsBios(b.Model), nil
}

// Tune orders settings for a machine's next boot: those that are named, or those of its role, or both. Nothing is
// ordered when one of them cannot be made.
func (e *Engine) Tune(ctx context.Context, actor, ref string, r api.SettingsRequest) (api.SettingsReply, error) {
	m, err := e.tunable(ctx, ref)
	if err != nil {
		return api.SettingsReply{}, err
	}
	reply := api.SettingsReply{Machine: m.Name, Changes: []api.SettingDifference{}}
	b, err := e.Firmware.Bios(ctx, m, jobOf(&m))
	if err != nil {
		return reply, asProblem(err)
	}
	want, err := e.wanted(&m, b, r)
	if err != nil {
		return reply, err
	}
	diff := b.Diff(want)
	reply.Changes = differencesOut(diff)
	if r.DryRun || len(diff) == 0 {
		return reply, nil
	}
	t, tell := e.newTuning(&m, actor, r.SettingsOrder), false
	if err := mayTune(&m, t); err != nil {
		return reply, err
	}
	for _, d := range diff {
		t.Want[d.Name], t.Before[d.Name] = d.Want, d.Now
		tell = tell || d.Pending != d.Want
	}
	return reply, e.orderTuning(ctx, &m, t, diff, func(ctx context.Context) (err error) {
		if tell {
			t.Job, err = e.Firmware.SetBios(ctx, m, t.Want, t.Job)
		}
		return err
	})
}

// newTuning is an order that holds what was ordered before and is not proven.
func (e *Engine) newTuning(m *inventory.Machine, actor string, o api.SettingsOrder) *inventory.Tuning {
	t := inventory.Tuning{}
	if m.Tuning != nil {
		t = *m.Tuning
	}
	want, before := inventory.Values{}, inventory.Values{} // what was ordered of Secure Boot alone has none
	maps.Copy(want, t.Want)
	maps.Copy(before, t.Before)
	t.Want, t.Before = want, before
	ahead := t.Reboot && m.Op != nil && m.Op.On.IsZero() // a boot that was ordered before and has not come
	t.Actor, t.At, t.Reboot, t.Active = actor, e.Now(), o.Reboot || ahead, o.Active || ahead && t.Active
	t.Taken, t.Missing, t.Stopped, t.Problem = time.Time{}, time.Time{}, time.Time{}, ""
	return &t
}

// wanted are the settings that a request is about, as the machine has them.
func (e *Engine) wanted(m *inventory.Machine, b inventory.Bios, r api.SettingsRequest) (inventory.Values, error) {
	want := inventory.Values{}
	if r.Role {
		of, err := e.roleWants(m, b)
		if err != nil {
			return nil, problem(http.StatusConflict, api.ErrConflict, "%v", err)
		}
		if len(of) == 0 {
			return nil, problem(http.StatusConflict, api.ErrConflict, "role %s of %s names no settings for model %q", m.Role, m.Name, b.Model)
		}
		maps.Copy(want, of)
	}
	maps.Copy(want, r.Values)
	if len(want) == 0 {
		return nil, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "name settings, or ask for those of the role")
	}
	want, err := b.Check(want)
	if err != nil {
		return nil, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "%s (%s): nothing was set: %s", m.Name, strings.TrimSpace(b.Vendor+" "+b.Model),
			strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return want, nil
}

// mayTune refuses what a person has forbidden, and a boot in the middle of something.
func mayTune(m *inventory.Machine, t *inventory.Tuning) error {
	switch {
	case m.Held():
		return held(m)
	case m.State == inventory.Retired:
		return problem(http.StatusConflict, api.ErrConflict, "%s is retired", m.Name)
	case t.Reboot && m.State == inventory.Active && !t.Active:
		return problem(http.StatusConflict, api.ErrConflict, "%s is active: what runs on it would be switched off; say --active if you mean that, or order the settings without a reboot", m.Name)
	case t.Reboot && !m.State.Stable():
		return problem(http.StatusConflict, api.ErrConflict, "%s is %s and is booted for that already: order the settings without a reboot", m.Name, m.State)
	}
	return nil
}

// orderTuning writes settings down, tells the BMC, and writes down that it has taken them, with the boot if one is wanted.
// What the BMC refuses is taken back.
func (e *Engine) orderTuning(ctx context.Context, m *inventory.Machine, t *inventory.Tuning, diff []inventory.Difference, tell func(context.Context) error) error {
	before := m.Tuning
	words := make([]string, len(diff))
	for i, d := range diff {
		words[i] = d.String()
	}
	if _, err := e.changeTuning(ctx, m, before, t.Actor, func(m *inventory.Machine) (inventory.Note, error) {
		if err := mayTune(m, t); err != nil {
			return inventory.Note{}, err
		}
		m.Tuning = t
		return inventory.Note{Kind: "settings", Reason: "firmware settings were ordered for the next boot: " + strings.Join(words, ", ")}, nil
	}); err != nil {
		return busyTuning(m, err)
	}
	if err := tell(ctx); err != nil {
		_, back := e.changeTuning(context.WithoutCancel(ctx), m, t, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
			m.Tuning = before
			return inventory.Note{Kind: "settings", Reason: "the BMC did not take the firmware settings: " + err.Error()}, nil
		})
		return errors.Join(asProblem(err), back)
	}
	if err := e.taken(ctx, m, t); err != nil {
		return busyTuning(m, err)
	}
	return e.queueTuning(ctx, m.ID)
}

// busyTuning is the answer to somebody who was overtaken.
func busyTuning(m *inventory.Machine, err error) error {
	if errors.Is(err, errStale) {
		return problem(http.StatusConflict, api.ErrConflict, "somebody else sees to the settings of %s at this moment: look again", m.Name)
	}
	return err
}

// taken writes down that the BMC has taken the settings, and the intent to boot the machine for them.
func (e *Engine) taken(ctx context.Context, m *inventory.Machine, t *inventory.Tuning) error {
	changed, err := e.changeTuning(context.WithoutCancel(ctx), m, t, inventory.ActorProvision, func(m *inventory.Machine) (inventory.Note, error) {
		now := e.Now()
		m.Tuning.Taken, m.Tuning.Job, m.Tuning.Problem = now, t.Job, ""
		reason := "the BMC has taken the firmware settings for the next boot"
		if t.Reboot && m.State.Stable() && (m.State != inventory.Active || t.Active) {
			m.Op = &inventory.Op{At: now} // it boots what it would boot anyway
			m.Wish.Want(inventory.PowerOn, false, t.Actor, now)
			reason += ", and the machine is booted for them"
		}
		return inventory.Note{Kind: "settings", Reason: reason}, nil
	})
	if err == nil {
		*m = changed
	}
	return err
}

// changeTuning stores a change of settings that are still those that were looked at.
func (e *Engine) changeTuning(ctx context.Context, m *inventory.Machine, seen *inventory.Tuning, actor string, fn func(*inventory.Machine) (inventory.Note, error)) (inventory.Machine, error) {
	return e.Store.Change(ctx, m.ID, actor, func(m *inventory.Machine) (inventory.Note, error) {
		if (m.Tuning == nil) != (seen == nil) || seen != nil && !m.Tuning.At.Equal(seen.At) {
			return inventory.Note{}, errStale
		}
		return fn(m)
	})
}
