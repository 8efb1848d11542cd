package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process names a process beyond doubt: a number is reused, a number with its start time is not.
type process struct {
	PID   int
	Start uint64 // clock ticks after boot (proc(5), /proc/PID/stat field 22)
}

var errNoProcess = errors.New("no such process")

// findProcess reads a running process's identity; a zombie counts as gone.
func findProcess(pid int) (process, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, fmt.Errorf("%w: %d", errNoProcess, pid)
	}
	// The command's name may hold blanks and parentheses: the last ")" ends it.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return process{}, fmt.Errorf("reading /proc/%d/stat: %d fields", pid, len(fields))
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return process{}, fmt.Errorf("%w: %d", errNoProcess, pid)
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return process{}, fmt.Errorf("reading /proc/%d/stat: %w", pid, err)
	}
	return process{PID: pid, Start: start}, nil
}

// alive tells whether this very process still runs.
func (p process) alive() bool {
	now, err := findProcess(p.PID)
	return err == nil && now == p
}

// signal reaches this very process or none.
func (p process) signal(sig syscall.Signal) {
	if p.alive() {
		_ = syscall.Kill(p.PID, sig) // gone meanwhile is what the caller wants
	}
}

// end asks it to stop, insists after grace, and waits until it is gone.
func (p process) end(grace time.Duration) error {
	if grace > 0 {
		p.signal(syscall.SIGTERM)
		if p.gone(grace) {
			return nil
		}
	}
	p.signal(syscall.SIGKILL)
	if p.gone(10 * time.Second) {
		return nil
	}
	return fmt.Errorf("process %d survived SIGKILL for 10 s", p.PID)
}

func (p process) gone(within time.Duration) bool {
	for end := time.Now().Add(within); p.alive(); {
		if time.Now().After(end) {
			return false
		}
		<-time.After(20 * time.Millisecond)
	}
	return true
}

// writePIDFile records a process for a later "down".
func writePIDFile(path string, pid int) error {
	p, err := findProcess(pid)
	if err != nil {
		return err
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%d %d\n", p.PID, p.Start), 0o600)
}

// readPIDFile finds the process that a file records; errNoProcess when it is gone or was never there.
func readPIDFile(path string) (process, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return process{}, fmt.Errorf("%w: %w", errNoProcess, err)
	}
	var p process
	if _, err := fmt.Sscanf(string(text), "%d %d", &p.PID, &p.Start); err != nil || p.PID <= 1 {
		return process{}, fmt.Errorf("%w: %s is not a pid file", errNoProcess, path)
	}
	if !p.alive() {
		return process{}, fmt.Errorf("%w: %d", errNoProcess, p.PID)
	}
	return p, nil
}

// processesIn lists the processes in a network namespace, by the inode of its file.
func processesIn(nsFile string) ([]process, error) {
	var want syscall.Stat_t
	if err := syscall.Stat(nsFile, &want); err != nil {
		return nil, fmt.Errorf("looking at namespace %s: %w", nsFile, err)
	}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found []process
	for _, dir := range dirs {
		var ns syscall.Stat_t
		if syscall.Stat(filepath.Join(dir, "ns/net"), &ns) != nil || ns.Ino != want.Ino || ns.Dev != want.Dev {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if p, err := findProcess(pid); err == nil {
			found = append(found, p)
		}
	}
	return found, nil
}
