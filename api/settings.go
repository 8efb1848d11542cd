package api

import (
	"context"
	"net/http"
)

// Setting is one setting of a server's firmware. Values are texts, whole numbers, true or false.
type Setting struct {
	Name     string   `json:"name"`
	Title    string   `json:"title,omitempty"`
	Kind     string   `json:"kind,omitempty" enum:"string,enumeration,integer,boolean,password,"`
	Value    any      `json:"value,omitempty" doc:"in force"`
	Pending  any      `json:"pending,omitempty" doc:"waits for the next boot"`
	Default  any      `json:"default,omitempty"`
	Allowed  []string `json:"allowed,omitempty"`
	Least    *int64   `json:"least,omitempty" doc:"of a number, or the length of a text"`
	Most     *int64   `json:"most,omitempty"`
	ReadOnly bool     `json:"read_only,omitempty"`
}

// SettingDifference is a setting that is not as it is wanted.
type SettingDifference struct {
	Name    string `json:"name"`
	Now     any    `json:"now,omitempty" doc:"in force"`
	Pending any    `json:"pending,omitempty" doc:"waits for the next boot"`
	Want    any    `json:"want"`
}

// SettingsList is the answer of GET …/bmc/settings.
type SettingsList struct {
	Machine     string              `json:"machine"`
	Vendor      string              `json:"vendor,omitempty"`
	Model       string              `json:"model,omitempty"`
	Registry    string              `json:"registry,omitempty" doc:"by which values are checked; empty: the BMC has none"`
	Settings    []Setting           `json:"settings"`
	Role        string              `json:"role,omitempty"`
	Wanted      int                 `json:"wanted" doc:"how many settings the role wants of this model"`
	Differences []SettingDifference `json:"differences" doc:"from what the role wants"`
	Problem     string              `json:"problem,omitempty" doc:"why the role's settings cannot be compared or made"`
	Waiting     string              `json:"waiting,omitempty" doc:"what became of settings that were ordered and are not proven to be in force"`
}

// SettingsRequest orders settings for the next boot.
type SettingsRequest struct {
	Values map[string]any `json:"values,omitempty" doc:"by name; numbers may be texts"`
	Role   bool           `json:"role,omitempty" doc:"those that the machine's role wants; values win over them"`
	SettingsOrder
}

// SettingsOrder says how an order for the next boot is meant.
type SettingsOrder struct {
	DryRun bool `json:"dry_run,omitempty" doc:"only tell what would be changed"`
	Reboot bool `json:"reboot,omitempty" doc:"switch the machine off and on for it, at once"`
	Active bool `json:"active,omitempty" doc:"do so with a machine that does its work, too"`
}

// SettingsReply tells what is to be changed; without any it is as wanted already.
type SettingsReply struct {
	Machine string              `json:"machine"`
	Changes []SettingDifference `json:"changes"`
}

// Settings reads the settings of a machine's firmware, and how they differ from what its role wants.
func (c *Client) Settings(ctx context.Context, ref string) (SettingsList, error) {
	var out SettingsList
	return out, c.request(ctx, http.MethodGet, bmcPath(ref, "/settings"), nil, nil, &out)
}

// Tune orders settings for a machine's next boot.
func (c *Client) Tune(ctx context.Context, ref string, r SettingsRequest) (SettingsReply, error) {
	var out SettingsReply
	return out, c.request(ctx, http.MethodPost, bmcPath(ref, "/settings"), nil, r, &out)
}
