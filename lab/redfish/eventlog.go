package redfish

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// logEntries is the event log: bounded, the oldest go first.
type logEntries struct {
	last int
	list []logEntry
}

type logEntry struct {
	id       int
	at       time.Time
	severity string
	text     string
	message  string // id
}

// maxLog is how many entries the log holds.
const maxLog = 256

func (l *logEntries) add(e logEntry) {
	l.last++
	e.id = l.last
	if len(l.list) >= maxLog {
		l.list = slices.Clone(l.list[1:])
	}
	l.list = append(l.list, e)
}

func (b *BMC) logServices() string {
	if b.shape.LogOwner == "Managers" {
		return b.manager() + "/LogServices"
	}
	return b.system() + "/LogServices"
}

func (b *BMC) logPath() string { return b.logServices() + "/" + b.shape.Log }

func logRoutes() map[string]route {
	all := map[string]route{}
	for _, owner := range []string{root + "/Systems/{system}", root + "/Managers/{manager}"} {
		at := owner + "/LogServices"
		all[at] = route{get: func(b *BMC, c *call) (object, error) {
			path := b.logServices()
			if c.URL.Path != path && c.URL.Path != path+"/" {
				return nil, notFound(c.URL.Path)
			}
			return collection(path, "LogServiceCollection", "Log services", b.logPath()), nil
		}}
		all[at+"/{}"] = route{get: inLog(getLog)}
		all[at+"/{}/Entries"] = route{get: inLog(getEntries)}
		all[at+"/{}/Entries/{}"] = route{get: inLog(getEntry)}
		all[at+"/{}/Actions/LogService.ClearLog"] = route{post: clearLog}
	}
	return all
}

// inLog refuses other logs than the one there is.
func inLog(get func(*BMC, *call) (object, error)) func(*BMC, *call) (object, error) {
	return func(b *BMC, c *call) (object, error) {
		if !c.within(b.logPath()) {
			return nil, notFound(c.URL.Path)
		}
		return get(b, c)
	}
}

// within tells whether the call's path is this one or below.
func (c *call) within(path string) bool {
	rest, ok := strings.CutPrefix(c.URL.Path, path)
	return ok && (rest == "" || rest[0] == '/')
}

func getLog(b *BMC, _ *call) (object, error) {
	path := b.logPath()
	return resource(path, "LogService.v1_3_0", b.shape.Log, "Event log").with(object{
		"LogEntryType": "SEL", "MaxNumberOfRecords": maxLog, "OverWritePolicy": "WrapsWhenFull", "ServiceEnabled": true, "Status": healthy(),
		"Entries": link(path + "/Entries"),
		"Actions": object{"#LogService.ClearLog": object{"target": path + "/Actions/LogService.ClearLog"}},
	}), nil
}

// getEntries lists the newest first, with the entries themselves, as the schema wants it.
func getEntries(b *BMC, _ *call) (object, error) {
	path := b.logPath() + "/Entries"
	all := make([]any, 0, len(b.entries.list))
	for _, e := range slices.Backward(b.entries.list) {
		all = append(all, e.object(path))
	}
	return object{
		"@odata.id": path, "@odata.type": "#LogEntryCollection.LogEntryCollection", "Name": "Log entries",
		"Members": all, "Members@odata.count": len(all),
	}, nil
}

func getEntry(b *BMC, c *call) (object, error) {
	for _, e := range b.entries.list {
		if strconv.Itoa(e.id) == c.ids[len(c.ids)-1] {
			return e.object(b.logPath() + "/Entries"), nil
		}
	}
	return nil, notFound(c.URL.Path)
}

func (e logEntry) object(path string) object {
	id := strconv.Itoa(e.id)
	return resource(path+"/"+id, "LogEntry.v1_12_0", id, "Log entry "+id).with(object{
		"EntryType": "SEL", "Severity": e.severity, "Created": e.at.UTC().Format(time.RFC3339), "Message": e.text, "MessageId": e.message,
		"EntryCode": "Assert", "SensorType": "System Event",
	})
}

func clearLog(b *BMC, c *call) (*reply, error) {
	if !c.within(b.logPath()) {
		return nil, notFound(c.URL.Path)
	}
	var body struct {
		LogEntriesETag string
	}
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	b.entries.list = nil
	return done()
}

// LogEntry is one of the event log.
type LogEntry struct {
	At       time.Time
	Severity string
	Text     string
}

// AddLog writes into the event log, and tells subscribers. severity is OK, Warning or Critical.
func (b *BMC) AddLog(severity, text string) {
	b.locked(func() {
		b.note(event{severity: severity, id: "ResourceEvent.1.2.ResourceErrorsDetected", text: text, kind: "Alert", origin: b.system(), log: true})
	})
}

// Log returns the entries of the event log, oldest first.
func (b *BMC) Log() []LogEntry {
	var all []LogEntry
	b.locked(func() {
		for _, e := range b.entries.list {
			all = append(all, LogEntry{At: e.at, Severity: e.severity, Text: e.text})
		}
	})
	return all
}
