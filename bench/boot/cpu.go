package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A control group counts the CPU of all that a server starts, also of processes that are gone. /proc does not: of a
// server that ignores SIGCHLD, as in.tftpd does that forks for each file, it forgets the children as they end.

// group is a control group (version 2) of its own for one server.
type group struct {
	path string
	dir  *os.File // open, for clone3 to start a process in it
}

// newGroup makes a group below that of this process.
func newGroup(name string) (*group, error) {
	parent, err := ownGroup()
	if err != nil {
		return nil, err
	}
	g := &group{path: filepath.Join(parent, fmt.Sprintf("socle-bench-%d-%s", os.Getpid(), name))}
	if err := os.Mkdir(g.path, 0o755); err != nil { //nolint:gosec // not secret
		return nil, fmt.Errorf("making a control group for a server: %w: run it as root", err)
	}
	if g.dir, err = os.Open(g.path); err != nil {
		return nil, errors.Join(err, os.Remove(g.path))
	}
	return g, nil
}

// ownGroup is the folder of this process's group of version 2, which may be mounted beside groups of version 1.
func ownGroup() (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	_, own, ok := strings.Cut("\n"+string(groups), "\n0::")
	own, _, _ = strings.Cut(own, "\n")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); ok && len(f) > 2 && f[2] == "cgroup2" {
			return filepath.Join(f[1], own), nil
		}
	}
	return "", errors.New("no control groups of version 2 are mounted: they count a server's CPU time; mount cgroup2 somewhere")
}

// end kills what still runs in the group and takes the group away, which the kernel allows a little later.
func (g *group) end() error {
	err := errors.Join(os.WriteFile(filepath.Join(g.path, "cgroup.kill"), []byte("1"), 0), g.dir.Close())
	for tick, end := time.NewTicker(10*time.Millisecond), time.Now().Add(5*time.Second); ; <-tick.C {
		gone := os.Remove(g.path)
		if gone == nil || time.Now().After(end) {
			tick.Stop()
			return errors.Join(err, gone)
		}
	}
}

// usage is what a server has used of the machine so far.
type usage struct {
	cpu time.Duration
	rss int64 // bytes that it holds now, all processes
}

// usage sums over the server's processes, those that ended included.
func (g *group) usage() (usage, error) {
	var u usage
	stat, err := os.ReadFile(filepath.Join(g.path, "cpu.stat"))
	if err != nil {
		return u, err
	}
	_, rest, ok := strings.Cut(string(stat), "usage_usec ")
	text, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return u, fmt.Errorf("%s/cpu.stat has no usage_usec: %q", g.path, stat)
	}
	u.cpu = time.Duration(n) * time.Microsecond
	pids, err := g.pids()
	for _, pid := range pids {
		u.rss += resident(pid)
	}
	return u, err
}

// pids are the processes that run in the group now.
func (g *group) pids() ([]string, error) {
	text, err := os.ReadFile(filepath.Join(g.path, "cgroup.procs"))
	return strings.Fields(string(text)), err
}

// resident is what a process holds in memory, in bytes; 0 when it is gone.
func resident(pid string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "statm"))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	n, _ := strconv.ParseInt(fields[1], 10, 64) // in pages
	return n * int64(os.Getpagesize())
}
