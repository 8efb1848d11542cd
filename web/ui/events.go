package ui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"socle/inventory"
)

// EventLine is one line of the log, newest first on the page.
type EventLine struct {
	Seq     int64
	Time    time.Time
	Machine string
	Link    string
	Actor   string
	Kind    string
	Class   string
	Reason  string
	Changes []string // "state ready → deploying"
}

// maxChanges bounds how many changed fields a line of the log names.
const maxChanges = 4

// lines makes the log; named tells whether lines name their machine.
func lines(events []inventory.Event, named bool) []EventLine {
	list := make([]EventLine, 0, len(events))
	for _, e := range slices.Backward(events) {
		e = scrub(e)
		l := EventLine{
			Seq: e.Seq, Time: e.Time, Actor: e.Actor, Kind: e.Kind, Class: "e-" + class(e.Kind), Reason: e.Reason,
			Changes: changes(e.Before, e.After),
		}
		if named && e.Machine != "" {
			l.Machine, l.Link = e.Name, link(inventory.Machine{ID: e.Machine, Name: e.Name})
		}
		list = append(list, l)
	}
	return list
}

// class keeps of a kind what may be part of a CSS class.
func class(kind string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r == '-' {
			return r
		}
		return -1
	}, kind)
}

// changes says in words which simple fields an event changed. Whole objects, as facts, are not shown.
func changes(before, after json.RawMessage) []string {
	was, is := scalars(before), scalars(after)
	var names []string
	for name := range is {
		names = append(names, name)
	}
	slices.Sort(names)
	var list []string
	for _, name := range names {
		if was[name] == is[name] || len(list) == maxChanges || hidden(name) {
			continue
		}
		switch {
		case was[name] == "":
			list = append(list, fmt.Sprintf("%s %s", words(clean(name)), is[name]))
		case is[name] == "":
			list = append(list, fmt.Sprintf("%s %s ended", words(clean(name)), was[name]))
		default:
			list = append(list, fmt.Sprintf("%s %s → %s", words(clean(name)), was[name], is[name]))
		}
	}
	return list
}

// hidden are fields that change with everything else and tell a reader nothing.
func hidden(name string) bool {
	switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
	case "version", "updatedat", "since", "deadline", "seenat", "powerat", "factsat", "factssha256", "target", "id", "createdat":
		return true
	}
	return false
}

// scalars are the fields of an object that are texts, numbers or truths.
func scalars(object json.RawMessage) map[string]string {
	var m map[string]any
	if len(object) == 0 || json.Unmarshal(object, &m) != nil {
		return nil
	}
	out := map[string]string{}
	for k, v := range m {
		switch v := v.(type) {
		case string:
			out[k] = clean(v)
			if len(v) > 60 {
				out[k] = clean(v[:60]) + "…"
			}
		case float64, bool:
			out[k] = fmt.Sprint(v)
		case nil:
			out[k] = ""
		}
	}
	return out
}
