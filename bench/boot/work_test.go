package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSummaries(t *testing.T) {
	w := work{name: works()[0].name, unit: "x/s", cost: "µs CPU/x", aim: "more", peers: []peer{{name: "ours"}, {name: "theirs"}}}
	m := measurement{work: w, turns: [][]turn{
		{{rate: 100, cost: 10, p99: time.Millisecond}, {rate: 300, cost: 20, p99: time.Millisecond}, {rate: 200, cost: 30, p99: time.Millisecond}},
		{{rate: 50, cost: 20, p99: 2 * time.Millisecond}, {rate: 100, cost: 20, p99: 3 * time.Millisecond}, {rate: 400, cost: 90, p99: 9 * time.Millisecond, lost: 2}},
	}}
	s := m.summaries()
	if s[0].rate != 200 || s[0].faster != 1 || s[1].faster != 2 || s[1].cheaper != 2 || s[1].quicker != 3 || s[1].lost != 2 {
		t.Errorf("got %+v", s)
	}
	text := "old\n\n### " + works()[1].name + "\n\nkept\n\n### gone\n\nold\n"
	for range 2 { // the second time replaces what the first wrote
		text = tables(options{commit: "abc"}, []measurement{m}, text)
	}
	for _, want := range []string{"Commit abc, ", "\n### " + works()[1].name + "\n\nkept\n\n", "### " + m.work.name + "\n\nAim: ", "| theirs | 100 | 2.00 | 20.0 | 2.00 |", "Aim: more."} {
		if strings.Count(text, want) != 1 {
			t.Errorf("the document lacks %q, or has it twice:\n%s", want, text)
		}
	}
	if strings.Contains(text, "old") {
		t.Error("the old part is still there")
	}
}

// TestUsage burns CPU in a process that leaves its parent and ends, which /proc forgets then.
func TestUsage(t *testing.T) {
	g, err := newGroup("test")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "(sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done' &); sleep infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(g.dir.Fd())}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	s := &server{name: "sh", cmd: cmd, group: g, ended: make(chan struct{}), log: os.DevNull}
	u, err := s.usage()
	if err != nil || u.cpu < 20*time.Millisecond || u.cpu > time.Minute || u.rss < 1<<16 {
		t.Errorf("got %+v, %v", u, err)
	}
	if err := g.end(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the group is still there: %v", err)
	}
	_ = cmd.Wait() // with an error: it was killed
	close(s.ended)
	if _, err := s.usage(); err == nil {
		t.Error("a server that is gone uses something")
	}
}

func TestChoose(t *testing.T) {
	all := []work{{name: "tftp x", peers: []peer{{name: "ours"}, {name: "a"}, {name: "b"}}}, {name: "scripts", peers: []peer{{name: "ours"}}}}
	got := choose(all, []string{"tftp/b"})
	if len(got) != 1 || len(got[0].peers) != 2 || got[0].peers[1].name != "b" {
		t.Errorf("got %+v", got)
	}
	if len(choose(all, nil)) != 2 || len(choose(all, []string{"none"})) != 0 {
		t.Error("choosing all, or none")
	}
}

// TestChooseAsDocumented takes the words that the Makefile and the help of -only name from the works there are.
func TestChooseAsDocumented(t *testing.T) {
	for _, word := range []string{"dhcp", "tftp", "scripts", "http", "scripts/bare"} {
		got := choose(works(), []string{word})
		if len(got) == 0 {
			t.Errorf("-only %s chooses nothing", word)
		}
		for _, w := range got {
			if len(w.peers) < 2 {
				t.Errorf("-only %s: %s has nobody beside ours", word, w.name)
			}
		}
	}
}
