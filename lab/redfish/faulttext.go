package redfish

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check refuses faults that could never happen as meant.
func (f *Fault) check() error {
	if !slices.Contains(Kinds(), f.Kind) {
		return fmt.Errorf("fault %q: use one of %v", f.Kind, Kinds())
	}
	if _, err := path.Match(f.Path, "/"); err != nil {
		return fmt.Errorf("fault %s: path %q: %w", f.Kind, f.Path, err)
	}
	if strings.ContainsAny(f.Path, ", ") {
		return fmt.Errorf("fault %s: path %q: a path has no comma and no blank", f.Kind, f.Path)
	}
	for _, m := range f.Methods {
		if !slices.Contains([]string{"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"}, m) {
			return fmt.Errorf("fault %s: method %q is none of GET, HEAD, POST, PATCH, PUT, DELETE", f.Kind, m)
		}
	}
	switch {
	case f.After < 0 || f.Times < 0 || f.For < 0:
		return fmt.Errorf("fault %s: after, times and for are not negative", f.Kind)
	case !(f.Chance >= 0 && f.Chance <= 1):
		return fmt.Errorf("fault %s: chance %v is not between 0 and 1", f.Kind, f.Chance)
	case f.Kind == Slow && f.For == 0:
		return fmt.Errorf("fault slow needs for=DURATION")
	}
	return nil
}

// String is what ParseFault reads.
func (f Fault) String() string {
	parts := []string{string(f.Kind)}
	if f.For > 0 {
		parts = append(parts, "for="+f.For.String())
	}
	if len(f.Methods) > 0 {
		parts = append(parts, "method="+strings.Join(f.Methods, "+"))
	}
	if f.Path != "" {
		parts = append(parts, "path="+f.Path)
	}
	if f.After > 0 {
		parts = append(parts, "after="+strconv.Itoa(f.After))
	}
	if f.Times > 0 {
		parts = append(parts, "times="+strconv.Itoa(f.Times))
	}
	if f.Chance > 0 {
		parts = append(parts, "chance="+strconv.FormatFloat(f.Chance, 'g', -1, 64))
	}
	return strings.Join(parts, ",")
}

// ParseFault reads a fault as people write it: the kind, then any of for=2s, method=POST+PATCH,
// path=/redfish/v1/Systems/**, after=2, times=3, chance=0.05, with commas between.
func ParseFault(text string) (Fault, error) {
	kind, rest, more := strings.Cut(text, ",")
	f := Fault{Kind: Kind(kind)}
	for more {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(part, "=")
		var err error
		switch key {
		case "for":
			f.For, err = time.ParseDuration(value)
		case "method":
			f.Methods = strings.Split(value, "+")
		case "path":
			f.Path = value
		case "after":
			f.After, err = strconv.Atoi(value)
		case "times":
			f.Times, err = strconv.Atoi(value)
		case "chance":
			f.Chance, err = strconv.ParseFloat(value, 64)
		default:
			err = fmt.Errorf("use for, method, path, after, times or chance")
		}
		if err != nil {
			return Fault{}, fmt.Errorf("fault %q: %q: %w", text, part, err)
		}
	}
	return f, f.check()
}
