package bom

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"socle/hardware"
)

// Profile is what is in every server of a model. Classes that it has no item of are not compared.
type Profile struct {
	Name     string `yaml:"name"`
	Product  string `yaml:"product,omitempty"` // as the firmware calls the server; empty: any
	Items    []Item `yaml:"items"`
	Firmware []Rule `yaml:"firmware,omitempty"`
}

// Item is some equal parts: one in each of the slots, or so many in any.
type Item struct {
	Class Class    `yaml:"class"`
	Slots []string `yaml:"slots,omitempty,flow"`
	Count int      `yaml:"count,omitempty"`      // without slots; 0: there may be none
	Parts []string `yaml:"parts,omitempty,flow"` // part numbers or models, any of them; empty: any at all
	Makes []string `yaml:"vendors,omitempty,flow"`
	Size  uint64   `yaml:"size,omitempty"`     // bytes; 0: any
	Slack int      `yaml:"slack,omitempty"`    // percent by which the size may be off
	Speed int      `yaml:"at_least,omitempty"` // MT/s of DIMMs
}

// units is how many parts the item asks for.
func (i Item) units() int { return max(len(i.Slots), i.Count) }

// fits tells whether a part is one that the item asks for, wherever it sits.
func (i Item) fits(p Part) bool {
	return i.Class == p.Class && (len(i.Parts) == 0 || slices.Contains(i.Parts, p.Number)) && (len(i.Makes) == 0 || slices.Contains(i.Makes, p.Vendor)) &&
		i.sized(p.Size) && (p.Speed == 0 || p.Speed >= i.Speed)
}

func (i Item) sized(n uint64) bool {
	d := max(n, i.Size) - min(n, i.Size)
	return i.Size == 0 || float64(d)*100 <= float64(i.Size)*float64(i.Slack)
}

func (i Item) what() string { return describe(i.Class, i.Size, i.Parts) }

// diskSlack is by how many percent disks of one size differ between makers.
const diskSlack = 2

// Take makes the profile of a good server. Slots of DIMMs, CPUs, drives and power supplies count; disks, interfaces
// and cards may be named and ordered as the kernel and the firmware like. Firmware is wanted exactly as this server has it.
func Take(name string, f hardware.Facts) Profile {
	p := Profile{Name: name, Product: strings.TrimSpace(f.System.Product), Firmware: takeFirmware(f)}
	for _, part := range Parts(f) {
		free := slices.Contains([]Class{Disk, Interface, GPU, Card}, part.Class)
		at := slices.IndexFunc(p.Items, func(i Item) bool {
			return i.Class == part.Class && i.Size == part.Size && i.Speed == part.Speed && strings.Join(i.Parts, "") == part.Number
		})
		if at < 0 {
			i := Item{Class: part.Class, Size: part.Size, Speed: part.Speed}
			if part.Number != "" {
				i.Parts = []string{part.Number}
			}
			if part.Class == Disk || part.Class == Drive {
				i.Slack = diskSlack
			}
			at, p.Items = len(p.Items), append(p.Items, i)
		}
		if free || part.Slot == "" {
			p.Items[at].Count++
		} else {
			p.Items[at].Slots = append(p.Items[at].Slots, part.Slot)
		}
	}
	slices.SortStableFunc(p.Items, func(a, b Item) int {
		return cmp.Compare(slices.Index(Classes(), a.Class), slices.Index(Classes(), b.Class))
	})
	return p
}

// Text writes the profile as YAML.
func (p Profile) Text() (string, error) {
	b, err := yaml.Marshal(p)
	return string(b), err
}

// Bounds of a profile.
const (
	MaxBytes = 1 << 20
	maxUnits = 10000 // parts in all
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Parse reads a profile in YAML, or JSON, which is a part of it, and tells all that is wrong with it.
func Parse(text []byte) (Profile, error) {
	if len(text) > MaxBytes {
		return Profile{}, fmt.Errorf("reading the model: it has more than %d bytes", MaxBytes)
	}
	var p Profile
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty: write name and items")
		}
		return Profile{}, fmt.Errorf("reading the model: %w", err)
	}
	var wrong []error
	if !namePattern.MatchString(p.Name) {
		wrong = append(wrong, fmt.Errorf("name %q: use 1 to 64 letters, digits, \".\", \"_\" and \"-\"", p.Name))
	}
	units, slots := 0, map[string]bool{}
	for n := range p.Items {
		i := &p.Items[n]
		add := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("items[%d]: "+format, append([]any{n}, args...)...))
		}
		if !slices.Contains(Classes(), i.Class) {
			add("class %q: use one of %v", i.Class, Classes())
		}
		if len(i.Slots) > 0 && i.Count > 0 {
			add("write slots or count, and not both")
		}
		if i.Count < 0 || i.Count > maxUnits || i.Slack < 0 || i.Slack > 100 || i.Speed < 0 {
			add("count, slack and at_least are numbers from 0; slack is at most 100 percent")
		}
		for k := range i.Slots {
			i.Slots[k] = Plain(i.Slots[k])
			if at := string(i.Class) + " " + i.Slots[k]; slots[at] {
				add("slot %s is there twice", i.Slots[k])
			} else {
				slots[at] = true
			}
		}
		for k := range i.Parts {
			i.Parts[k] = Plain(i.Parts[k])
		}
		for k := range i.Makes {
			i.Makes[k] = Maker(i.Makes[k])
		}
		units = min(units+i.units(), maxUnits+1)
	}
	for n := range p.Firmware {
		if err := p.Firmware[n].check(); err != nil {
			wrong = append(wrong, fmt.Errorf("firmware[%d]: %w", n, err))
		}
	}
	if len(p.Items) == 0 || units > maxUnits {
		wrong = append(wrong, fmt.Errorf("a model has items, and at most %d parts in all", maxUnits))
	}
	if err := errors.Join(wrong...); err != nil {
		return Profile{}, fmt.Errorf("reading the model: %w", err)
	}
	return p, nil
}
