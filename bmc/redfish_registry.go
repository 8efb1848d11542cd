package bmc

import (
	"cmp"
	"context"
	"path"
	"strings"

	"socle/inventory"
)

// registryEntry is what is read of an entry of the schema AttributeRegistry.
type registryEntry struct {
	AttributeName string
	DisplayName   string
	Type          string
	DefaultValue  any
	ReadOnly      bool
	Immutable     bool
	Hidden        bool
	LowerBound    *int64
	UpperBound    *int64
	MinLength     *int64
	MaxLength     *int64
	Value         []struct{ ValueName string }
}

func (e registryEntry) attribute() inventory.Attribute {
	a := inventory.Attribute{Name: e.AttributeName, Title: e.DisplayName, ReadOnly: e.ReadOnly || e.Immutable}
	if a.Title == a.Name {
		a.Title = ""
	}
	if v, ok := inventory.PlainValue(e.DefaultValue); ok {
		a.Default = v
	}
	switch strings.ToLower(e.Type) {
	case "enumeration":
		a.Kind = inventory.AttributeChoice
		for _, v := range e.Value {
			a.Allowed = append(a.Allowed, v.ValueName)
		}
	case "integer":
		a.Kind, a.Least, a.Most = inventory.AttributeNumber, e.LowerBound, e.UpperBound
	case "boolean":
		a.Kind = inventory.AttributeSwitch
	case "string":
		a.Kind, a.Least, a.Most = inventory.AttributeText, e.MinLength, e.MaxLength
		if a.Most != nil && *a.Most == 0 {
			a.Most = nil // no bound, as some write it
		}
	case "password":
		a.Kind, a.Default = inventory.AttributePassword, nil
	}
	return a
}

// registry reads which settings there are and what they may be, by name; nil when the controller has no such list.
func (r *redfishReader) registry(ctx context.Context, name string) (map[string]registryEntry, error) {
	at, err := r.registryFile(ctx, name)
	if err != nil || at == "" {
		return nil, err
	}
	var list struct {
		RegistryEntries struct{ Attributes []registryEntry }
	}
	if err := r.get(at, &list); absent(err) {
		return nil, nil
	} else if err != nil {
		return nil, redfishError(ctx, err)
	}
	all := map[string]registryEntry{}
	for _, e := range list.RegistryEntries.Attributes {
		if e.AttributeName != "" && len(all) < maxAttributes {
			all[e.AttributeName] = e
		}
	}
	return all, nil
}

// registryFile finds where a registry lies; empty when it is not there. Its entry in the list is named like it, with or
// without the version.
func (r *redfishReader) registryFile(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	all, err := r.members("Registries")
	if absent(err) || err != nil && status(err) == 0 && ctx.Err() == nil && !fatal(redfishError(ctx, err)) {
		return "", nil // there is no list
	} else if err != nil {
		return "", redfishError(ctx, err)
	}
	short, _, _ := strings.Cut(name, ".")
	found := ""
	for _, p := range all[:min(len(all), maxRegistries)] {
		last := path.Base(strings.TrimSuffix(p, "/"))
		switch cut, _, _ := strings.Cut(last, "."); {
		case strings.EqualFold(last, name):
			found = p
		case found == "" && strings.EqualFold(cut, short):
			found = p
		}
	}
	if found == "" {
		return "", nil
	}
	var file struct {
		Location []struct {
			Language string
			URI      any `json:"Uri"` // HPE has an object here: {"extref": …}
		}
	}
	if err := r.get(found, &file); absent(err) {
		return "", nil
	} else if err != nil {
		return "", redfishError(ctx, err)
	}
	at := ""
	for _, l := range file.Location {
		uri, _ := l.URI.(string)
		if o, ok := l.URI.(map[string]any); ok {
			uri, _ = o["extref"].(string)
		}
		if (link{uri}).ok() && (at == "" || strings.HasPrefix(cmp.Or(l.Language, "en"), "en")) {
			at = uri
		}
	}
	return at, nil
}
