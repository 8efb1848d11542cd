package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// saveBoot writes the BMC's memory down; it survives the supervisor. The caller holds v.mu.
func (v *vm) saveBoot() {
	text, err := json.Marshal(v.boot)
	if err == nil {
		err = writeFile(v.bootFile(), text)
	}
	if err != nil {
		v.log.Error("saving boot setting", "machine", v.machine.Server.Name, "error", err)
	}
}

func (v *vm) bootFile() string { return filepath.Join(v.machine.StateDir, "bmc.json") }

// loadBoot reads it back; what cannot be read is as if nobody had set anything.
func (v *vm) loadBoot() {
	text, err := os.ReadFile(v.bootFile())
	if err != nil || json.Unmarshal(text, &v.boot) != nil {
		v.boot = BootSetting{Order: BootNone, Once: BootNone}
	}
}

// writeFile replaces a file at once or not at all.
func writeFile(path string, text []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// Entry is one line of a BMC's journal, the file bmc.log of a server's state: what was asked of the BMC, and what
// happened to the server by itself.
type Entry struct {
	Time   time.Time `json:"time"`
	By     string    `json:"by"`     // "ipmi", "redfish", "cli", or "qemu" for what happened by itself
	Action string    `json:"action"` // "power on", "boot pxe once=true", "reset" (of any cause), "exit"
	Was    bool      `json:"was_on"`
	Is     bool      `json:"is_on"`
	Error  string    `json:"error,omitempty"`
}

// journal appends entries to a file.
type journal struct {
	path string
	mu   sync.Mutex
}

func (j *journal) add(by, action string, was, is bool, err error) {
	e := Entry{Time: time.Now().UTC(), By: by, Action: action, Was: was, Is: is}
	if err != nil {
		e.Error = err.Error()
	}
	text, merr := json.Marshal(e)
	if merr != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	f, oerr := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if oerr != nil {
		return // the journal is evidence, not a condition
	}
	_, _ = f.Write(append(text, '\n'))
	_ = f.Close()
}

// Journal reads the journal of a server's BMC, oldest first.
func Journal(stateDir, lab, server string) ([]Entry, error) {
	text, err := os.ReadFile(filepath.Join(serverDir(stateDir, lab, server), "bmc.log"))
	if err != nil {
		return nil, fmt.Errorf("reading BMC journal: %w", err)
	}
	var all []Entry
	for line := range strings.Lines(string(text)) {
		var e Entry
		if json.Unmarshal([]byte(line), &e) == nil {
			all = append(all, e)
		}
	}
	return all, nil
}
