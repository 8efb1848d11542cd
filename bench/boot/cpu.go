package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticks a second of the times in /proc: USER_HZ, which is 100 on every Linux.
const ticks = 100

// usage is what a server has used of the machine so far.
type usage struct {
	cpu time.Duration
	rss int64 // bytes that it holds now, all processes
}

// usage sums over the server's processes and those of their children that ended and were waited for.
func (s *server) usage() (usage, error) {
	var u usage
	children := map[int][]int{}
	stats := map[int][]string{}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return u, err
	}
	for _, f := range files {
		pid, fields := readStat(f)
		if fields == nil {
			continue // it ended meanwhile
		}
		ppid, _ := strconv.Atoi(fields[1])
		children[ppid] = append(children[ppid], pid)
		stats[pid] = fields
	}
	page := int64(os.Getpagesize())
	for todo := []int{s.cmd.Process.Pid}; len(todo) > 0; {
		pid := todo[0]
		todo = append(todo[1:], children[pid]...)
		fields, ok := stats[pid]
		if !ok {
			continue
		}
		for _, f := range fields[11:15] { // utime, stime, cutime, cstime
			n, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				return u, fmt.Errorf("/proc/%d/stat: %w", pid, err)
			}
			u.cpu += time.Duration(n) * time.Second / ticks
		}
		n, _ := strconv.ParseInt(fields[21], 10, 64)
		u.rss += n * page
	}
	if _, ok := stats[s.cmd.Process.Pid]; !ok {
		return u, fmt.Errorf("%s ended: %s", s.cmd.Args[0], s.said())
	}
	return u, nil
}

// readStat reads a stat file of proc(5): the fields after the name, which may hold spaces and brackets.
func readStat(file string) (pid int, fields []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, nil
	}
	head, rest, ok := cutLast(string(text), ") ")
	if !ok {
		return 0, nil
	}
	number, _, _ := strings.Cut(head, " ")
	if pid, err = strconv.Atoi(number); err != nil {
		return 0, nil
	}
	if fields = strings.Fields(rest); len(fields) < 22 {
		return 0, nil
	}
	return pid, fields
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
