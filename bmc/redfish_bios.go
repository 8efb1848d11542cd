package bmc

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"socle/inventory"
)

// Bounds of what a controller may tell of its server's settings; large models have about 700.
const (
	maxAttributes = 4096
	maxRegistries = 500
)

// biosDoc is what is read of the schema Bios.
type biosDoc struct {
	path              string
	AttributeRegistry string
	Attributes        map[string]any
	Settings          struct {
		Object link     `json:"SettingsObject"`
		Times  []string `json:"SupportedApplyTimes"`
	} `json:"@Redfish.Settings"`
}

// settings is where what is to be at the next boot is ordered.
func (d biosDoc) settings() string {
	if d.Settings.Object.ok() {
		return d.Settings.Object.ID
	}
	return d.path + "/Settings"
}

func (r *redfishReader) biosDoc(ctx context.Context) (d biosDoc, err error) {
	s, err := r.place(ctx)
	if err != nil {
		return d, err
	}
	if !s.Bios.ok() {
		return d, fmt.Errorf("%w: it shows no settings of its server's firmware", ErrUnsupported)
	}
	d.path = strings.TrimSuffix(s.Bios.ID, "/")
	err = r.get(d.path, &d)
	return d, redfishError(ctx, err)
}

// pendingBios implements tuner. Some controllers show at the settings object what waits, others all that will be; what
// is there as it is in force does not wait.
func (r *redfishReader) pendingBios(ctx context.Context) (now, pending inventory.Values, err error) {
	d, err := r.biosDoc(ctx)
	if err != nil {
		return nil, nil, err
	}
	pending, err = r.waiting(ctx, d)
	return plainValues(d.Attributes), pending, err
}

func (r *redfishReader) waiting(ctx context.Context, d biosDoc) (inventory.Values, error) {
	var next struct{ Attributes map[string]any }
	if err := r.get(d.settings(), &next); absent(err) {
		return nil, nil
	} else if err != nil {
		return nil, redfishError(ctx, err)
	}
	now, pending := plainValues(d.Attributes), plainValues(next.Attributes)
	for name, v := range pending {
		if now[name] == v {
			delete(pending, name)
		}
	}
	return pending, nil
}

// plainValues are the values that a setting can have; a password is null.
func plainValues(all map[string]any) inventory.Values {
	plain := make(inventory.Values, min(len(all), maxAttributes))
	for name, v := range all {
		if p, ok := inventory.PlainValue(v); ok && len(plain) < maxAttributes {
			plain[name] = p
		}
	}
	return plain
}

// bios implements tuner.
func (r *redfishReader) bios(ctx context.Context, job string, registry bool) (b inventory.Bios, err error) {
	d, err := r.biosDoc(ctx)
	if err != nil {
		return b, err
	}
	pending, err := r.waiting(ctx, d)
	if err != nil {
		return b, err
	}
	var entries map[string]registryEntry
	if registry {
		if entries, err = r.registry(ctx, d.AttributeRegistry); err != nil {
			return b, err
		}
	}
	s, err := r.place(ctx)
	if err != nil {
		return b, err
	}
	b.Vendor, b.Model = s.Manufacturer, s.Model
	if entries != nil {
		b.Registry = d.AttributeRegistry
	}
	now := plainValues(d.Attributes)
	for name, v := range now {
		a := inventory.Attribute{Name: name, Kind: settingKind(v)}
		if e, ok := entries[name]; ok {
			a = e.attribute()
		} else if entries != nil {
			a.ReadOnly = true // of the controller's own making: nothing says what it may be
		}
		if a.Value = v; a.Kind == inventory.AttributePassword {
			a.Value = nil
		} else {
			a.Pending = pending[name]
		}
		b.Attributes = append(b.Attributes, a)
	}
	slices.SortFunc(b.Attributes, func(x, y inventory.Attribute) int { return cmp.Compare(x.Name, y.Name) })
	if job != "" {
		b.Busy, err = r.working(ctx, job)
	}
	return b, err
}

// settingKind guesses the kind of a setting from its value, where no registry tells.
func settingKind(v any) inventory.AttributeKind {
	switch v.(type) {
	case int64:
		return inventory.AttributeNumber
	case bool:
		return inventory.AttributeSwitch
	}
	return inventory.AttributeText
}

// setBios implements tuner. The time of application is said to controllers that name it: those of Dell make the job
// that applies the settings only then (dell/iDRAC-Redfish-Scripting issue 84), and take no other settings until it is
// over or deleted (issue 249).
func (r *redfishReader) setBios(ctx context.Context, want inventory.Values, replaces string) (job string, err error) {
	d, err := r.biosDoc(ctx)
	if err != nil {
		return "", err
	}
	if replaces != "" {
		busy, err := r.working(ctx, replaces)
		if err == nil && busy {
			resp, derr := r.client.Delete(replaces)
			err = finish(ctx, resp, derr)
		}
		if err != nil {
			return "", fmt.Errorf("taking back the settings that were ordered before: %w", err)
		}
	}
	var had any
	etag, err := r.getTagged(d.settings(), &had)
	if err != nil && !absent(err) {
		return "", redfishError(ctx, err)
	}
	body := map[string]any{"Attributes": want}
	if slices.Contains(d.Settings.Times, "OnReset") {
		body["@Redfish.SettingsApplyTime"] = map[string]any{"@odata.type": "#Settings.v1_1_0.PreferredApplyTime", "ApplyTime": "OnReset"}
	}
	return r.patchJob(ctx, d.settings(), etag, body)
}

// working tells whether a job or task of the controller is not over. One that it has forgotten is.
func (r *redfishReader) working(ctx context.Context, job string) (bool, error) {
	if !(link{job}).ok() {
		return false, nil
	}
	var j struct{ TaskState, JobState, EndTime string }
	if err := r.get(job, &j); absent(err) || status(err) >= http.StatusInternalServerError {
		return false, nil // a monitor answers with the task's own failure
	} else if err != nil {
		return false, redfishError(ctx, err)
	}
	return unfinished(cmp.Or(j.TaskState, j.JobState)), nil
}

// unfinished tells of a state of a task or job (DMTF schemas Task and Job, and Dell's own words) that it is not its last.
func unfinished(state string) bool {
	switch state {
	case "", "Completed", "Exception", "Killed", "Cancelled", "Failed", "CompletedWithErrors", "RebootFailed", "RebootCompleted":
		return false
	}
	return true
}
