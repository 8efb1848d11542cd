package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"socle/inventory"
)

// logNames are the logs in which makers write what happens to hardware, the best first; others hold logins, dumps or
// POST codes. HPE calls it IML, Dell Sel, Supermicro Log1, Lenovo PlatformLog, OpenBMC EventLog.
var logNames = []string{"sel", "iml", "eventlog", "log1", "platformlog", "standardlog", "activelog"}

// logDoc is one log service.
type logDoc struct {
	link
	Name           string `json:"Id"`
	LogEntryType   string
	ServiceEnabled *bool
	Entries        link
	Actions        struct {
		ClearLog struct {
			Target string `json:"target"`
		} `json:"#LogService.ClearLog"`
	}
}

// rank tells how fit a log is; -1 is not.
func (l logDoc) rank() int {
	if !l.Entries.ok() || l.ServiceEnabled != nil && !*l.ServiceEnabled {
		return -1
	}
	if i := slices.Index(logNames, strings.ToLower(l.Name)); i >= 0 {
		return i
	}
	if l.LogEntryType == "SEL" {
		return len(logNames)
	}
	return -1
}

// log finds the log of the hardware, at the system or at its manager.
func (r *redfishReader) log(ctx context.Context) (*logDoc, error) {
	s, err := r.place(ctx)
	if err != nil {
		return nil, err
	}
	services := []link{s.LogServices}
	for _, m := range s.Links.ManagedBy[:min(2, len(s.Links.ManagedBy))] {
		var manager struct{ LogServices link }
		if !m.ok() {
			continue
		}
		if err := r.get(m.ID, &manager); err != nil && !absent(err) {
			return nil, redfishError(ctx, err)
		}
		services = append(services, manager.LogServices)
	}
	var best *logDoc
	for _, at := range services {
		if !at.ok() {
			continue
		}
		members, err := r.collection(at.ID, 16)
		if err != nil && !absent(err) {
			return nil, redfishError(ctx, err)
		}
		for _, m := range members {
			var l logDoc
			if json.Unmarshal(m, &l) == nil && l.rank() >= 0 && (best == nil || l.rank() < best.rank()) {
				best = &l
			}
		}
		if best != nil {
			return best, nil
		}
	}
	return nil, fmt.Errorf("%w: it has no event log of the hardware", ErrUnsupported)
}

// entryDoc is one entry (schema LogEntry). What has happened is Message; Severity is older than MessageSeverity.
type entryDoc struct {
	ID       string `json:"Id"`
	Created  string
	Severity string
	Message  string
	Sensor   json.RawMessage `json:"SensorType"`
	Resolved bool
}

// entry puts it into ours.
func (d entryDoc) entry() inventory.LogEntry {
	e := inventory.LogEntry{ID: d.ID, Text: cmp.Or(strings.TrimSpace(d.Message), "(no words)"), Health: healthOf(d.Severity)}
	if at, err := time.Parse(time.RFC3339, d.Created); err == nil && at.Unix() > bootTimes {
		e.Time = at.UTC()
	}
	if d.Resolved {
		e.Health = inventory.HealthOK
	}
	_ = json.Unmarshal(d.Sensor, &e.Sensor) // a text, where it is one
	return e
}

// newer tells whether an entry was written after the mark. Numbers grow until a log is cleared, and times do unless
// the clock is set back: an entry that is ahead in one of them is new.
func newer(e inventory.LogEntry, mark inventory.LogMark) bool {
	if mark == emptyLog || mark.IsZero() {
		return true
	}
	a, errA := strconv.ParseUint(e.ID, 10, 64)
	b, errB := strconv.ParseUint(mark.ID, 10, 64)
	return e.Time.After(mark.Time) || errA == nil && errB == nil && a > b
}

// maxLogPages bounds the pages of a log that are followed.
const maxLogPages = 40

// eventLog reads the entries of the log (schema LogEntryCollection), which most controllers list with the newest first.
func (r *redfishReader) eventLog(ctx context.Context, since inventory.LogMark, newest bool) ([]inventory.LogEntry, inventory.LogMark, error) {
	l, err := r.log(ctx)
	if err != nil {
		return nil, since, err
	}
	var all []inventory.LogEntry
	var any bool
	path := l.Entries.ID
	for range maxLogPages {
		page, next, err := r.entries(path)
		if err != nil {
			return nil, since, redfishError(ctx, err)
		}
		any = any || len(page) > 0
		fresh := slices.DeleteFunc(slices.Clone(page), func(e inventory.LogEntry) bool { return !newer(e, since) })
		all = append(all, fresh...)
		downwards := len(page) > 1 && page[0].Time.After(page[len(page)-1].Time)
		if !next.ok() || downwards && (newest || len(fresh) < len(page)) {
			break
		}
		path = next.ID
	}
	if !any {
		return nil, emptyLog, nil
	}
	slices.SortStableFunc(all, func(a, b inventory.LogEntry) int { return cmp.Or(a.Time.Compare(b.Time), compareIDs(a.ID, b.ID)) })
	if len(all) > maxLogEntries {
		if newest {
			all = all[len(all)-maxLogEntries:]
		} else {
			all = all[:maxLogEntries]
		}
	}
	mark := since
	for _, e := range all {
		if e.Time.After(mark.Time) {
			mark.Time = e.Time
		}
		if since == emptyLog || mark.ID == emptyLog.ID || compareIDs(e.ID, mark.ID) > 0 || e.Time.Equal(mark.Time) {
			mark.ID = e.ID
		}
	}
	if newest && len(all) > 0 {
		all = all[len(all)-1:]
	}
	return all, mark, nil
}

// compareIDs orders numbers as numbers.
func compareIDs(a, b string) int {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// entries reads one page; entries that it only refers to are read one by one.
func (r *redfishReader) entries(path string) ([]inventory.LogEntry, link, error) {
	var doc struct {
		Members []json.RawMessage
		Next    string `json:"Members@odata.nextLink"`
	}
	if err := r.get(path, &doc); err != nil {
		return nil, link{}, err
	}
	var all []inventory.LogEntry
	for _, m := range doc.Members[:min(maxLogEntries, len(doc.Members))] {
		var d entryDoc
		var l link
		if json.Unmarshal(m, &l) == nil && json.Unmarshal(m, &d) == nil && d.ID == "" && l.ok() {
			if err := r.get(l.ID, &d); absent(err) {
				continue // cleared meanwhile
			} else if err != nil {
				return nil, link{}, err
			}
		}
		if d.ID != "" {
			all = append(all, d.entry())
		}
	}
	return all, link{doc.Next}, nil
}

func (r *redfishReader) clearLog(ctx context.Context) error {
	l, err := r.log(ctx)
	if err != nil {
		return err
	}
	target := link{l.Actions.ClearLog.Target}
	if !target.ok() {
		return fmt.Errorf("%w: its event log cannot be cleared", ErrUnsupported)
	}
	return r.post(ctx, target.ID, map[string]any{})
}
