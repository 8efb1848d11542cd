package acceptance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"socle/inventory"
)

// Criteria say what a machine of some models has to be like. Those with the longest beginning of its model hold.
type Criteria struct {
	Name string `yaml:"name"`
	// Model is the beginning of the models that they are of, in any case; empty: of all.
	Model string `yaml:"model"`
	// Looked are the comparisons that must have looked, besides those that the plans ask for.
	Looked []inventory.FindingSource `yaml:"looked,omitempty,flow"`
	// States in which a machine may be; empty: ready or active.
	States []inventory.State `yaml:"states,omitempty,flow"`
	// MaxDays is how old the agent's look and, where tests are asked for, the tests may be; 0: as old as they like.
	MaxDays int `yaml:"max_days,omitempty"`
	// Tests are beginnings of metrics of which something must have been measured: cpu, memory, disk, network.
	Tests []string `yaml:"tests,omitempty,flow"`
	// Racked asks that somebody said, in the aisle, that it stands at its place.
	Racked bool `yaml:"racked,omitempty"`
	// Ignore are findings that do not stand against acceptance; all that is said of one must fit.
	Ignore []Ignore `yaml:"ignore,omitempty"`
	// Metrics are bounds of what was measured last.
	Metrics []Bound `yaml:"metrics,omitempty"`

	digest string
}

// Ignore names findings. Subject may have * and ?.
type Ignore struct {
	Source  inventory.FindingSource `yaml:"source,omitempty"`
	Kind    inventory.FindingKind   `yaml:"kind,omitempty"`
	Subject string                  `yaml:"subject,omitempty"`
}

// Bound is what each value of a metric has to be.
type Bound struct {
	Metric  string   `yaml:"metric"`
	AtLeast *float64 `yaml:"at_least,omitempty"`
	AtMost  *float64 `yaml:"at_most,omitempty"`
}

// Default are the criteria of models for which nobody wrote any: what the plans ask for must have been looked at, and nothing
// may stand against the machine.
func Default() Criteria {
	c := Criteria{Name: "default"}
	c.digest = digest([]byte("default/1"))
	return c
}

// Digest names the text of the criteria: SHA-256 in hexadecimal.
func (c Criteria) Digest() string { return c.digest }

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// MaxBytes bounds the text of criteria.
const MaxBytes = 1 << 20

var (
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	metricPattern = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)
)

// Parse reads criteria in YAML, or JSON, which is a part of it, and tells all that is wrong with them.
func Parse(text []byte) (Criteria, error) {
	if len(text) > MaxBytes {
		return Criteria{}, fmt.Errorf("reading criteria: they have more than %d bytes", MaxBytes)
	}
	var c Criteria
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); errors.Is(err, io.EOF) {
		return Criteria{}, errors.New("reading criteria: the text is empty")
	} else if err != nil {
		return Criteria{}, fmt.Errorf("reading criteria: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Criteria{}, errors.New("reading criteria: there is a second document behind the first; put one at a time")
	}
	c.digest = digest(text)
	return c, errors.Join(c.check()...)
}

func (c Criteria) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !namePattern.MatchString(c.Name) {
		bad("name %q: use letters, digits and . _ - (64 at most, the first a letter or a digit)", c.Name)
	}
	if c.MaxDays < 0 || c.MaxDays > 3650 {
		bad("max_days %d is not within 0 and 3650", c.MaxDays)
	}
	for i, s := range c.Looked {
		if !slices.Contains(inventory.FindingSources(), s) {
			bad("looked[%d]: %q is none of %v", i, s, inventory.FindingSources())
		}
	}
	for i, s := range c.States {
		if !slices.Contains(inventory.States(), s) {
			bad("states[%d]: %q is none of %v", i, s, inventory.States())
		}
	}
	for i, t := range c.Tests {
		if !metricPattern.MatchString(t) {
			bad("tests[%d]: %q is no beginning of a metric, such as cpu or disk.read", i, t)
		}
	}
	for i, g := range c.Ignore {
		if _, err := path.Match(g.Subject, ""); err != nil {
			bad("ignore[%d]: subject %q: %w", i, g.Subject, err)
		}
		if g == (Ignore{}) {
			bad("ignore[%d] says nothing: all findings would be ignored", i)
		}
		if g.Source != "" && !slices.Contains(inventory.FindingSources(), g.Source) {
			bad("ignore[%d]: source %q is none of %v", i, g.Source, inventory.FindingSources())
		}
	}
	for i, b := range c.Metrics {
		errs = append(errs, b.check(fmt.Sprintf("metrics[%d]", i))...)
	}
	return errs
}

func (b Bound) check(where string) (errs []error) {
	if !metricPattern.MatchString(b.Metric) {
		errs = append(errs, fmt.Errorf("%s: %q is no metric, such as disk.read.random", where, b.Metric))
	}
	if b.AtLeast == nil && b.AtMost == nil {
		errs = append(errs, fmt.Errorf("%s %s: write at_least, at_most, or both", where, b.Metric))
	}
	for _, v := range []*float64{b.AtLeast, b.AtMost} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			errs = append(errs, fmt.Errorf("%s %s: %v is no number", where, b.Metric, *v))
		}
	}
	return errs
}

// fits tells whether a finding is to be ignored.
func (g Ignore) fits(f inventory.Finding) bool {
	subject := g.Subject == ""
	if !subject {
		flat := func(s string) string { return strings.ReplaceAll(s, "/", "-") } // to path, a slash is no letter like others
		subject, _ = path.Match(flat(g.Subject), flat(f.Subject))                // the pattern was checked when it was read
	}
	return subject && (g.Source == "" || g.Source == f.Source) && (g.Kind == "" || g.Kind == f.Kind)
}

// For are the criteria of a machine: those with the longest beginning of its model, the first by name of equal ones, else Default.
func For(all []Criteria, m *inventory.Machine) Criteria {
	models := []string{strings.ToLower(m.Model)}
	if m.Facts != nil {
		models = append(models, strings.ToLower(m.Facts.System.Product))
	}
	best, found := Default(), false
	for _, c := range all {
		fits := slices.ContainsFunc(models, func(model string) bool { return strings.HasPrefix(model, strings.ToLower(c.Model)) })
		if fits && (!found || len(c.Model) > len(best.Model)) {
			best, found = c, true
		}
	}
	return best
}
