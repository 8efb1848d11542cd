package lab

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testMachine(s Server) machine {
	m := machine{Server: s, Accel: AccelTCG, First: BootDisk, StateDir: "/state/" + s.Name, RunDir: "/run/socle-x"}
	if s.BMC.Protocol == IPMI {
		m.KCSPort = kcsPorts
	}
	return m
}

func TestArgv(t *testing.T) {
	for _, s := range Default().Servers {
		golden(t, "testdata/"+s.Name+".argv", strings.Join(testMachine(s).argv(), "\n")+"\n")
	}
}

func TestArgvDoublesCommas(t *testing.T) {
	m := testMachine(Default().Servers[0])
	m.StateDir, m.RunDir = "/a,b", "/c,d"
	text := strings.Join(m.argv(), " ")
	for _, want := range []string{"file=/a,,b/disk0.raw,", "unix:/c,,d/hv01.qmp,server=on", "path=/c,,d/hv01.serial,server=off"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
}

// allTransports is a server with every kind of disk, more of them than one controller takes.
func allTransports() Server {
	s := Default().Servers[0]
	s.Disks = nil
	for i := range 8 {
		s.Disks = append(s.Disks, Disk{Serial: "SATA-" + strconv.Itoa(i), SizeMiB: 1, Transport: "sata"})
	}
	for _, tr := range transports {
		s.Disks = append(s.Disks, Disk{Serial: "ONE-" + tr, SizeMiB: 1, Transport: tr}, Disk{Serial: "TWO-" + tr, SizeMiB: 1, Transport: tr})
	}
	return s
}

// partByPart is a server of which everything is said that can be.
func partByPart() Server {
	s := Default().Servers[0]
	s.FirmwareVersion = "2.17.1"
	s.Disks = []Disk{{Serial: "BOUND", SizeMiB: 1, Speed: 200, IOPS: 2000}, {Serial: "FREE", SizeMiB: 1}}
	s.DIMMs = []DIMM{{Slot: "A1", SizeMiB: 32 << 10, Part: "M393A4K40", Serial: "D0"}, {Slot: "A2"}, {Slot: "B1", SizeMiB: 512}}
	for i := range s.Disks {
		s.Disks[i].Transport = "virtio"
	}
	s.MemoryMiB = 512
	return s
}

// startPaused runs the real QEMU with a machine's command line, without letting the guest run. The taps do not
// exist, so the cards are plugged in nowhere.
func startPaused(t *testing.T, s Server) *qmp {
	t.Helper()
	m := testMachine(s)
	dir := t.TempDir()
	m.StateDir, m.RunDir, m.KCSPort = filepath.Join(dir, "s"), dir, 0
	if err := m.prepare(); err != nil {
		t.Fatal(err)
	}
	args := append(m.argv(), "-S")
	for i, a := range args {
		if id, ok := strings.CutPrefix(a, "tap,id="); ok {
			id, _, _ = strings.Cut(id, ",")
			args[i] = "hubport,hubid=0,id=" + id
		}
	}
	var out strings.Builder
	cmd := exec.Command(qemuProgram, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	q, err := dialQMP(ctx, m.qmpSocket(), func(string) {})
	if err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return q
}

// indexes reads back every device's place in QEMU's boot order.
func indexes(t *testing.T, q *qmp, ids []string) map[string]int {
	t.Helper()
	got := map[string]int{}
	for _, id := range ids {
		raw, err := q.do(t.Context(), "qom-get", map[string]any{"path": "/machine/peripheral/" + id, "property": "bootindex"})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		got[id] = n
	}
	return got
}

func TestRealQEMUTakesArgvAndBootOrder(t *testing.T) {
	servers := append(Default().Servers, allTransports(), partByPart())
	for _, s := range servers {
		t.Run(s.Name+strconv.Itoa(len(s.Disks)), func(t *testing.T) {
			q := startPaused(t, s)
			for _, first := range []Device{BootDisk, BootPXE, BootPXE, BootDisk} {
				order := bootOrder(s, first)
				if err := q.setBootOrder(t.Context(), order); err != nil {
					t.Fatal(err)
				}
				want := map[string]int{}
				for i, id := range order {
					want[id] = i + 1
				}
				if diff := cmp.Diff(want, indexes(t, q, order)); diff != "" {
					t.Errorf("%s first:\n%s", first, diff)
				}
			}
		})
	}
}

func TestQMPTellsErrorsAndTheEnd(t *testing.T) {
	q := startPaused(t, Default().Servers[2])
	if _, err := q.do(t.Context(), "no-such-command", nil); err == nil || !strings.Contains(err.Error(), "CommandNotFound") {
		t.Errorf("error %v, want CommandNotFound", err)
	}
	if _, err := q.do(t.Context(), "query-status", nil); err != nil {
		t.Errorf("after an error: %v", err)
	}
	_, _ = q.do(t.Context(), "quit", nil)
	<-q.done
	if _, err := q.do(t.Context(), "query-status", nil); err == nil {
		t.Error("a command after QEMU's end succeeded")
	}
}
