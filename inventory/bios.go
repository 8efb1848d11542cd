package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AttributeKind is of what kind the values of a firmware setting are (DMTF schema AttributeRegistry, Type).
type AttributeKind string

// The kinds. AttributeUnknown is one that the registry has in a kind of its own; its values are taken as they come.
const (
	AttributeUnknown  AttributeKind = ""
	AttributeText     AttributeKind = "string"
	AttributeChoice   AttributeKind = "enumeration"
	AttributeNumber   AttributeKind = "integer"
	AttributeSwitch   AttributeKind = "boolean"
	AttributePassword AttributeKind = "password" // its value is never shown, and never set here
)

// Attribute is one setting of a server's firmware. Values are string, int64 or bool, see PlainValue; nil is none.
type Attribute struct {
	Name     string
	Title    string // for people; empty: none but the name
	Kind     AttributeKind
	Value    any // in force
	Pending  any // waits for the next boot; nil: nothing does
	Default  any
	Allowed  []string // of a choice
	Least    *int64   // of a number, or the length of a text
	Most     *int64
	ReadOnly bool
}

// Bios is what a BMC says of the settings of its server's firmware.
type Bios struct {
	Vendor, Model string // of the server
	Registry      string // by which values can be checked; empty: the BMC has none
	Attributes    []Attribute
	Busy          bool // the BMC's own job for the settings that wait is not over
}

// Difference is a setting that is not as it is wanted.
type Difference struct {
	Name    string
	Now     any // in force
	Pending any // waits for the next boot; nil: nothing does
	Want    any
}

// String says it in words.
func (d Difference) String() string {
	s := fmt.Sprintf("%s %s → %s", d.Name, ShownValue(d.Now), ShownValue(d.Want))
	if d.Pending != nil && d.Pending != d.Want {
		s += fmt.Sprintf(" (%s waits for the next boot)", ShownValue(d.Pending))
	}
	return s
}

// ErrSetting says that a setting cannot be what is wanted: the server has none of that name, or allows other values.
var ErrSetting = errors.New("that setting cannot be made")

// Values are settings by their names. However they were written down, they read as PlainValue has them.
type Values map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(text []byte) error {
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	for name, value := range raw {
		plain, ok := PlainValue(value)
		if !ok && value != nil {
			return fmt.Errorf("setting %s: %v can be no value of a setting", name, value)
		}
		raw[name] = plain
	}
	*v = raw
	return nil
}

// PlainValue makes a value of a setting comparable: JSON and YAML have several kinds of numbers. It says false for
// what can be no value.
func PlainValue(v any) (any, bool) {
	switch v := v.(type) {
	case string, bool, int64:
		return v, true
	case int:
		return int64(v), true
	case uint64:
		return int64(v), v <= math.MaxInt64 //nolint:gosec // bounded
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	return nil, false
}

// ShownValue is a value for people.
func ShownValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		if v == "" || strings.ContainsAny(v, " ,;→") {
			return strconv.Quote(v)
		}
		return v
	}
	return fmt.Sprint(v)
}

// Attribute finds a setting by its name.
func (b Bios) Attribute(name string) (Attribute, bool) {
	i := slices.IndexFunc(b.Attributes, func(a Attribute) bool { return a.Name == name })
	if i < 0 {
		return Attribute{}, false
	}
	return b.Attributes[i], true
}

// Check makes wanted values such as the registry has them: a number that is written as a text becomes a number. What
// cannot be set is an error of ErrSetting for each such setting, with what is allowed.
func (b Bios) Check(want map[string]any) (Values, error) {
	checked := Values{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(want)) {
		a, ok := b.Attribute(name)
		if !ok {
			errs = append(errs, fmt.Errorf("%w: it has no setting %q%s", ErrSetting, name, b.similar(name)))
			continue
		}
		v, err := a.accept(want[name])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		checked[name] = v
	}
	return checked, errors.Join(errs...)
}

// similar suggests names for one that there is not.
func (b Bios) similar(name string) string {
	var close []string
	for _, a := range b.Attributes {
		if strings.EqualFold(a.Name, name) || len(name) > 3 && (strings.Contains(strings.ToLower(a.Name), strings.ToLower(name)) || strings.EqualFold(a.Title, name)) {
			close = append(close, a.Name)
		}
	}
	if len(close) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(close[:min(3, len(close))], " or ") + "?"
}

// accept makes a wanted value one of the setting's, or says why it cannot be.
func (a Attribute) accept(v any) (any, error) {
	no := func(format string, args ...any) (any, error) {
		return nil, fmt.Errorf("%w: %s: %s", ErrSetting, a.Name, fmt.Sprintf(format, args...))
	}
	v, ok := PlainValue(v)
	switch {
	case !ok:
		return no("a value is a text, a whole number, true or false")
	case a.ReadOnly:
		return no("it is %s and read-only", ShownValue(a.Value))
	case a.Kind == AttributePassword:
		return no("passwords of the firmware are not set here")
	}
	text, isText := v.(string)
	switch a.Kind {
	case AttributeChoice:
		if !slices.Contains(a.Allowed, text) || !isText {
			return no("%s is none of its values: %s", ShownValue(v), strings.Join(a.Allowed, ", "))
		}
	case AttributeNumber:
		if isText {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return no("%s is no whole number", ShownValue(v))
			}
			v = n
		}
		n, isNumber := v.(int64)
		if !isNumber {
			return no("%s is no whole number", ShownValue(v))
		}
		if a.outside(n) {
			return no("%d is not within %s", n, a.bounds())
		}
	case AttributeSwitch:
		if isText {
			on, err := strconv.ParseBool(text)
			if err != nil {
				return no("%s is neither true nor false", ShownValue(v))
			}
			v = on
		}
		if _, isSwitch := v.(bool); !isSwitch {
			return no("%s is neither true nor false", ShownValue(v))
		}
	case AttributeText:
		if !isText {
			v, text = fmt.Sprint(v), fmt.Sprint(v)
		}
		if a.outside(int64(len(text))) {
			return no("%s has %d characters, not %s", ShownValue(v), len(text), a.bounds())
		}
	}
	return v, nil
}

func (a Attribute) outside(n int64) bool {
	return a.Least != nil && n < *a.Least || a.Most != nil && n > *a.Most
}

// bounds says between what a number, or the length of a text, has to be.
func (a Attribute) bounds() string {
	side := func(n *int64) string {
		if n == nil {
			return "any"
		}
		return strconv.FormatInt(*n, 10)
	}
	return side(a.Least) + " to " + side(a.Most)
}

// Diff tells which settings are not in force as they are wanted, by name. Want is as Check returned it.
func (b Bios) Diff(want Values) []Difference {
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(want)) {
		a, _ := b.Attribute(name)
		if a.Value != want[name] || a.Pending != nil && a.Pending != want[name] {
			all = append(all, Difference{Name: name, Now: a.Value, Pending: a.Pending, Want: want[name]})
		}
	}
	return all
}

// BiosSet are settings that a role wants of its machines' firmware.
type BiosSet struct {
	// Model is how the model's name starts of those machines that it is for, as their BMC says it; empty: of all.
	Model      string         `yaml:"model,omitempty" json:"model,omitempty"`
	Attributes map[string]any `yaml:"attributes" json:"attributes"`
}

// WantsBios adds up the settings that the role wants of a model; of two that name the same, the later one counts.
func (r Role) WantsBios(model string) map[string]any {
	sum := map[string]any{}
	for _, set := range r.Bios {
		if strings.HasPrefix(model, set.Model) {
			maps.Copy(sum, set.Attributes)
		}
	}
	return sum
}

// Tuning are settings of a machine's firmware that were ordered and are not proven to be in force. Each part is
// written down before it is done.
type Tuning struct {
	Want   Values `json:"want,omitempty"`   // as the registry has the values
	Before Values `json:"before,omitempty"` // what was in force when it was ordered
	// SecureBoot is whether the firmware is to check what it boots; nil: as it is.
	SecureBoot *bool     `json:"secure_boot,omitempty"`
	Keys       KeyReset  `json:"keys,omitempty"` // what is to be done to the keys of Secure Boot; empty: nothing
	Actor      string    `json:"actor"`
	At         time.Time `json:"at"`                // ordered
	Taken      time.Time `json:"taken,omitzero"`    // the BMC has shown it as waiting for the next boot
	Job        string    `json:"job,omitempty"`     // the BMC's own for it
	Reboot     bool      `json:"reboot,omitempty"`  // Socle boots the machine for it, see Machine.Op
	Active     bool      `json:"active,omitempty"`  // also when it does its work
	Missing    time.Time `json:"missing,omitzero"`  // since when it is neither in force nor waiting
	Problem    string    `json:"problem,omitempty"` // what was in its way last
	// Stopped is when it was given up: the machine booted without the settings. It goes on when they are ordered again.
	Stopped time.Time `json:"stopped,omitzero"`
}

// Words are what is wanted, for people.
func (t *Tuning) Words() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(t.Want)) {
		words = append(words, name+" "+ShownValue(t.Want[name]))
	}
	if t.SecureBoot != nil {
		words = append(words, fmt.Sprintf("Secure Boot %v", *t.SecureBoot))
	}
	if t.Keys != "" {
		words = append(words, "Secure Boot keys "+string(t.Keys))
	}
	return strings.Join(words, ", ")
}

// String says in words how far it is; nothing when there is none.
func (t *Tuning) String() string {
	switch {
	case t == nil:
		return ""
	case !t.Stopped.IsZero():
		return "stopped: " + t.Problem
	case t.Taken.IsZero():
		return "being told to the BMC"
	case t.Problem != "":
		return "waits: " + t.Problem
	case t.Reboot:
		return "waits for the boot that was ordered with it"
	}
	return "waits for the next boot"
}
