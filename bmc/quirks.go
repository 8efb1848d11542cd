package bmc

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"sync"
)

//go:embed quirks.json
var quirksFile []byte

// quirk is one row of the table of what models do differently. What a field says holds for all controllers that the
// row matches; a new habit is a new field, handled in one place, never a branch by vendor.
type quirk struct {
	Name string `json:"name"`
	// Vendor and Model are the system's, Manager the controller's own model, Firmware its version: patterns of
	// path.Match, in any case; empty ones match all.
	Vendor   string `json:"vendor"`
	Model    string `json:"model"`
	Manager  string `json:"manager"`
	Firmware string `json:"firmware"`

	BootAt   string `json:"boot_at"`   // below the system, where the boot override is
	BootBody string `json:"boot_body"` // which of its parts are said: "target", "whole"; empty: as bmclib has it

	JobsAt string `json:"jobs_at"` // below the manager, where its queue of jobs is: one that waits for a boot blocks changes

	Source string `json:"source"` // where the habit was seen
	Shape  string `json:"shape"`  // the emulated controller that has it, for the test
}

// maker is who made a controller, as it says itself.
type maker struct{ vendor, model, manager, firmware string }

var quirkTable = sync.OnceValue(func() []quirk {
	rows, err := readQuirks(quirksFile)
	if err != nil {
		panic(err) // a test reads the same file
	}
	return rows
})

// readQuirks reads a table and checks it.
func readQuirks(text []byte) ([]quirk, error) {
	var file struct {
		Version int     `json:"version"`
		Quirks  []quirk `json:"quirks"`
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("reading the quirks: %w", err)
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("reading the quirks: version %d is not known", file.Version)
	}
	for i, q := range file.Quirks {
		for _, p := range []string{q.Vendor, q.Model, q.Manager, q.Firmware} {
			if _, err := path.Match(p, ""); err != nil {
				return nil, fmt.Errorf("reading the quirks: row %d %q: pattern %q: %w", i+1, q.Name, p, err)
			}
		}
		switch {
		case q.Name == "" || q.Source == "":
			return nil, fmt.Errorf("reading the quirks: row %d has no name or no source", i+1)
		case q.BootBody != "" && q.BootBody != bodyTarget && q.BootBody != bodyWhole:
			return nil, fmt.Errorf("reading the quirks: row %d %q: boot_body %q: use %q or %q", i+1, q.Name, q.BootBody, bodyTarget, bodyWhole)
		}
	}
	return file.Quirks, nil
}

const (
	bodyTarget = "target"
	bodyWhole  = "whole"
)

func (q quirk) matches(m maker) bool {
	for _, p := range [][2]string{{q.Vendor, m.vendor}, {q.Model, m.model}, {q.Manager, m.manager}, {q.Firmware, m.firmware}} {
		if p[0] == "" {
			continue
		}
		if ok, _ := path.Match(strings.ToLower(p[0]), strings.ToLower(strings.TrimSpace(p[1]))); !ok {
			return false
		}
	}
	return true
}

// habits adds up what the table says of a controller; of two rows that say something of the same, the later counts.
func habits(rows []quirk, m maker) (sum quirk) {
	for _, q := range rows {
		if !q.matches(m) {
			continue
		}
		if q.BootAt != "" {
			sum.BootAt = q.BootAt
		}
		if q.BootBody != "" {
			sum.BootBody = q.BootBody
		}
		if q.JobsAt != "" {
			sum.JobsAt = q.JobsAt
		}
	}
	return sum
}

// asksManager tells whether what the table says of a server depends on its controller.
func asksManager(rows []quirk, m maker) bool {
	for _, q := range rows {
		if (q.Manager != "" || q.Firmware != "") && (quirk{Vendor: q.Vendor, Model: q.Model}).matches(m) {
			return true
		}
	}
	return false
}
