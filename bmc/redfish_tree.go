package bmc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"socle/inventory"
)

// ok tells whether the reference leads to the same controller.
func (l link) ok() bool { return strings.HasPrefix(l.ID, "/") && !strings.HasPrefix(l.ID, "//") }

// number reads numbers as controllers send them: as numbers, as texts, or as null.
type number struct{ value *float64 }

// UnmarshalJSON implements json.Unmarshaler. What is no number is none.
func (n *number) UnmarshalJSON(b []byte) error {
	if v, err := strconv.ParseFloat(strings.Trim(string(b), `" `), 64); err == nil && finite(v) {
		v = round(v)
		n.value = &v
	}
	return nil
}

// statusObject is DMTF's Resource.Status; of parts that are not there it is unknown.
type statusObject struct{ State, Health, HealthRollup string }

func (s statusObject) absent() bool {
	return s.State == "Absent" || s.State == "UnavailableOffline" || s.State == "Disabled"
}

func (s statusObject) health() inventory.Health {
	if s.absent() {
		return inventory.HealthUnknown
	}
	return healthOf(s.Health)
}

// healthOf reads DMTF's Health and the older Severity, which have the same words.
func healthOf(word string) inventory.Health {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "ok", "informational", "info":
		return inventory.HealthOK
	case "warning":
		return inventory.HealthWarning
	case "critical", "fatal":
		return inventory.HealthCritical
	}
	return inventory.HealthUnknown
}

// tree is what is remembered of a service's structure within one session.
type tree struct {
	system  systemDoc
	read    bool
	light   light
	spots   map[string]spot // by storage controller
	expands string          // the query that brings a collection with its members; empty: it knows none
	asked   bool
}

// systemDoc is what leads on from a system.
type systemDoc struct {
	link
	Manufacturer, Model, SerialNumber string
	LogServices, Bios                 link
	SecureBoot, Storage               link
	Links                             struct {
		Chassis   []link
		ManagedBy []link
	}
}

// place finds the one system and what belongs to it, once a session.
func (r *redfishReader) place(ctx context.Context) (*systemDoc, error) {
	if r.tree.read {
		return &r.tree.system, nil
	}
	path, err := r.systemPath()
	if err != nil {
		return nil, redfishError(ctx, err)
	}
	var s systemDoc
	if err := r.get(path, &s); err != nil {
		return nil, redfishError(ctx, err)
	}
	s.ID = path
	for _, l := range []struct {
		name string
		list *[]link
	}{{"Chassis", &s.Links.Chassis}, {"Managers", &s.Links.ManagedBy}} {
		if len(*l.list) > 0 {
			continue
		}
		paths, err := r.members(l.name) // services before 2016 have no links
		if err != nil && !errors.Is(err, ErrUnsupported) && status(err) == 0 {
			return nil, redfishError(ctx, err)
		}
		for _, p := range paths {
			*l.list = append(*l.list, link{p})
		}
	}
	r.tree.system, r.tree.read = s, true
	return &r.tree.system, nil
}

// absent tells that a resource is not there, or not in this form.
func absent(err error) bool {
	switch status(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusGone, http.StatusBadRequest:
		return true
	}
	return false
}

// collection reads the members of a collection, expanded where the service can do that: else one by one, at most limit.
func (r *redfishReader) collection(path string, limit int) ([]json.RawMessage, error) {
	var list struct{ Members []json.RawMessage }
	query := r.expand()
	err := r.get(path+query, &list)
	if err != nil && query != "" && status(err) != 0 {
		list.Members = nil
		err = r.get(path, &list) // it says that it can, and cannot
	}
	if err != nil {
		return nil, err
	}
	var all []json.RawMessage
	for _, m := range list.Members[:min(limit, len(list.Members))] {
		var fields map[string]json.RawMessage
		var l link
		if json.Unmarshal(m, &fields) != nil || json.Unmarshal(m, &l) != nil {
			continue
		}
		if len(fields) == 1 && l.ok() {
			if err := r.get(l.ID, &m); absent(err) {
				continue // taken out meanwhile
			} else if err != nil {
				return nil, err
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// expand is the query by which the service says that it returns a collection with its members (DSP0266, section
// "Use of the $expand query parameter").
func (r *redfishReader) expand() string {
	if r.tree.asked {
		return r.tree.expands
	}
	r.tree.asked = true
	var root struct {
		ProtocolFeaturesSupported struct {
			ExpandQuery struct{ NoLinks, ExpandAll bool }
		}
	}
	if r.get("/redfish/v1/", &root) != nil {
		return ""
	}
	switch e := root.ProtocolFeaturesSupported.ExpandQuery; {
	case e.NoLinks:
		r.tree.expands = "?$expand=.($levels=1)"
	case e.ExpandAll:
		r.tree.expands = "?$expand=*($levels=1)"
	}
	return r.tree.expands
}
