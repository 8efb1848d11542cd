package bom

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"socle/hardware"
	"socle/inventory"
	"socle/inventory/baseline"
)

// Rule says which firmware something runs when it is delivered.
type Rule struct {
	Of      string   `yaml:"of"`                   // "bios", "bmc" or "disk"
	Parts   []string `yaml:"parts,omitempty,flow"` // models of disks, any of them; empty: all disks
	Exactly string   `yaml:"exactly,omitempty"`
	AtLeast string   `yaml:"at_least,omitempty"`
}

// check tells what is wrong with the rule, and spells it as parts are.
func (r *Rule) check() error {
	for i := range r.Parts {
		r.Parts[i] = Plain(r.Parts[i])
	}
	switch {
	case !slices.Contains([]string{"bios", "bmc", "disk"}, r.Of):
		return fmt.Errorf("of %q: use bios, bmc or disk", r.Of)
	case (r.Exactly == "") == (r.AtLeast == ""):
		return errors.New("write exactly or at_least, and not both")
	case r.AtLeast != "" && !baseline.Comparable(r.AtLeast):
		return fmt.Errorf("at_least %q: no version can be older or newer than this one; use exactly", r.AtLeast)
	case len(r.Parts) > 0 && r.Of != "disk":
		return errors.New("parts are models of disks only")
	}
	return nil
}

// compare judges one version.
func (r Rule) compare(subject, version string) (found []inventory.Finding) {
	f := inventory.Finding{Kind: inventory.FindFirmware, Subject: subject, Want: r.words(), Got: version, Remedy: "update its firmware"}
	order := baseline.Compare(version, r.Exactly+r.AtLeast)
	switch {
	case Plain(version) == "":
		f.Kind, f.Reason, f.Remedy = inventory.FindUnknown, fmt.Sprintf("%s: which firmware it runs could not be read, %s was ordered", subject, f.Want), "look at the problems that the agent told, and inspect the machine again"
	case order == baseline.Same, order == baseline.Newer && r.AtLeast != "":
		return nil
	case order == baseline.CannotTell && r.AtLeast != "":
		f.Kind, f.Reason, f.Remedy = inventory.FindUnknown, fmt.Sprintf("%s: firmware %s cannot be compared with %s", subject, version, r.AtLeast), "see whether it is new enough, and write exactly into the model"
	default:
		f.Reason = fmt.Sprintf("%s: firmware %s runs, %s was ordered", subject, version, f.Want)
	}
	return append(found, f)
}

// takeFirmware makes the rules of a good server. Disks of one model that differ in their firmware get none.
func takeFirmware(f hardware.Facts) (rules []Rule) {
	if v := strings.TrimSpace(f.Firmware.Version); Plain(v) != "" {
		rules = append(rules, Rule{Of: "bios", Exactly: v})
	}
	if f.BMC != nil && Plain(f.BMC.Version) != "" {
		rules = append(rules, Rule{Of: "bmc", Exactly: strings.TrimSpace(f.BMC.Version)})
	}
	versions, models := map[string]string{}, []string{}
	for _, d := range f.Disks {
		model, v := Plain(d.Model), strings.TrimSpace(d.Firmware)
		if d.Removable || d.Transport == "usb" || model == "" {
			continue
		}
		had, known := versions[model]
		if !known {
			models = append(models, model)
		}
		if versions[model] = v; Plain(v) == "" || known && had != v {
			versions[model] = "" // and stays so: no version is like it
		}
	}
	for _, m := range models {
		if v := versions[m]; v != "" {
			rules = append(rules, Rule{Of: "disk", Parts: []string{m}, Exactly: v})
		}
	}
	return rules
}

// firmware judges what the agent saw of all that runs firmware.
func (p Profile) firmware(f hardware.Facts) (found []inventory.Finding, rows []Row) {
	judge := func(r Rule, subject, version string) {
		wrong := r.compare(subject, version)
		found = append(found, wrong...)
		for _, w := range wrong {
			rows = append(rows, rowOf(w))
		}
		if len(wrong) == 0 {
			rows = append(rows, Row{Subject: subject + " firmware", Want: r.words(), Got: version})
		}
	}
	for _, r := range p.Firmware {
		switch r.Of {
		case "bios":
			judge(r, "BIOS", f.Firmware.Version)
		case "bmc":
			version := ""
			if f.BMC != nil {
				version = f.BMC.Version
			}
			judge(r, "BMC", version)
		case "disk":
			for _, d := range f.Disks {
				if !d.Removable && d.Transport != "usb" && (len(r.Parts) == 0 || slices.Contains(r.Parts, Plain(d.Model))) {
					judge(r, "disk "+d.Name, d.Firmware)
				}
			}
		}
	}
	return found, rows
}

// words say which version is wanted.
func (r Rule) words() string {
	if r.AtLeast != "" {
		return "at least " + r.AtLeast
	}
	return r.Exactly
}
