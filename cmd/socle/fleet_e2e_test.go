//go:build e2e

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// roomEnv is set in the process that has the network namespace.
const roomEnv = "SOCLE_TEST_ROOM"

// inRoom runs this test anew in a network namespace of its own, where it returns true.
func inRoom(t *testing.T) bool {
	t.Helper()
	if os.Getenv(roomEnv) != "" {
		if out, err := exec.CommandContext(t.Context(), "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return true
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=30m")
	cmd.Env = append(os.Environ(), roomEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig follows the thread
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("in its network namespace, for which it needs root: %v", err)
	}
	return false
}

const (
	fleetSize     = 200
	fleetPassword = "s3cret-Pa55"
)

// ill tells what is wrong with a controller of the fleet, by its number: of 200 ten hang, ten refuse the password, five
// say that they did what they did not, and five even show it.
func ill(n int) string {
	switch {
	case n%20 == 3:
		return "hangs"
	case n%20 == 8:
		return "refuses"
	case n%40 == 13:
		return "ignores"
	case n%40 == 33:
		return "lies"
	}
	return ""
}

// room is 200 controllers of all makers, and a server that knows their manifest.
type room struct {
	fleet *redfishtest.Fleet
	sick  bool
	flags []string
	dir   string
}

func startRoom(t *testing.T, sick bool) *room {
	t.Helper()
	r := &room{sick: sick, dir: t.TempDir()}
	specs := redfishtest.Specs(fleetSize, nil, "admin", secret.New(fleetPassword))
	shapes := redfish.Shapes()
	manifest := "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\n"
	for i := range specs {
		s := &specs[i]
		var err error
		if s.Shape, err = redfish.ShapeByName(shapes[i%len(shapes)]); err != nil {
			t.Fatal(err)
		}
		s.Address = redfishtest.Loopback(i, 443)
		if sick {
			switch ill(i) {
			case "hangs":
				s.Faults = []redfish.Fault{{Kind: redfish.Hang}}
			case "refuses":
				s.Password = secret.New("0ther-Pa55")
			case "ignores":
				s.Faults = []redfish.Fault{{Kind: redfish.Ignore, Path: "/redfish/v1/Systems/**"}}
			case "lies":
				s.Faults = []redfish.Fault{{Kind: redfish.Lie}}
			}
		}
		manifest += fmt.Sprintf("%s,%s,r%d,%d,redfish,%s,admin,%s\n", s.Name, s.Serial, i/40, i%40+1, s.Address.Addr(), fleetPassword)
	}
	var err error
	if r.fleet, err = redfishtest.Start(specs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.fleet.Close() })
	r.write(t, "manifest.csv", manifest)
	r.write(t, "password", fleetPassword+"\n")
	data := filepath.Join(r.dir, "data")
	config := r.write(t, "socle.yaml", fmt.Sprintf("listen: 127.0.0.1:8443\ndata_dir: %s\nhealth: {every: 0s}\n", data))
	r.flags = []string{"--server", "https://127.0.0.1:8443", "--data-dir", data}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { _, err := r.tell(ctx, nil, "serve", "--config", config); ended <- err }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the server: %v", err)
		}
	})
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if _, err := r.tell(t.Context(), nil, append([]string{"machine", "list"}, r.flags...)...); err == nil {
			break
		} else if time.Since(start) > time.Minute {
			t.Fatalf("the server does not answer: %v", err)
		}
	}
	if out, err := r.tell(t.Context(), nil, append([]string{"manifest", "import", filepath.Join(r.dir, "manifest.csv")}, r.flags...)...); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

func (r *room) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tell runs a command of the program; line gets what it prints as it comes.
func (r *room) tell(ctx context.Context, line func(string), args ...string) (string, error) {
	root := &cobra.Command{Use: "socle", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(newServeCmd(), newMachineCmd(), newPowerCmd(), newBMCCmd(), newManifestCmd())
	out, in := io.Pipe()
	root.SetOut(in)
	root.SetErr(io.Discard)
	root.SetArgs(args)
	var said bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			said.WriteString(s.Text() + "\n")
			if line != nil {
				line(s.Text())
			}
		}
	}()
	err := root.ExecuteContext(ctx)
	_ = in.Close()
	<-read
	return said.String(), err
}

// report is what one command on the whole room came to.
type report struct {
	healthy  []time.Duration // until each healthy one's answer was shown, in order
	hanging  time.Duration   // until the first one that hangs was given up; 0: there was none
	all      time.Duration
	answers  map[string]string // the last line of each machine, or address
	out      string
	exitCode int
}

func (r report) at(part float64) time.Duration {
	return r.healthy[int(float64(len(r.healthy)-1)*part)].Round(time.Millisecond)
}

var firstWord = regexp.MustCompile(`^(n\d{4}|127\.1\.\d+\.\d+)\s+(.*)$`)

// measure runs a command and notes when each machine's answer came. The key of an answer is a machine's name or address.
func (r *room) measure(t *testing.T, args ...string) report {
	t.Helper()
	number := map[string]int{}
	for i, m := range r.fleet.Members {
		number[m.Name], number[m.Address.Addr().String()] = i, i
	}
	rep := report{answers: map[string]string{}}
	start := time.Now()
	out, err := r.tell(t.Context(), func(line string) {
		word := firstWord.FindStringSubmatch(line)
		if word == nil {
			return
		}
		took := time.Since(start)
		_, again := rep.answers[word[1]]
		rep.answers[word[1]] = word[2]
		kind := ill(number[word[1]])
		switch {
		case again:
		case !r.sick || kind == "":
			rep.healthy = append(rep.healthy, took)
		case kind == "hangs" && rep.hanging == 0:
			rep.hanging = took
		}
	}, append(args, r.flags...)...)
	rep.all, rep.out, rep.exitCode = time.Since(start), out, exitCode(err)
	slices.Sort(rep.healthy)
	return rep
}

// TestRoomOf200E2E works on 200 controllers of all makers through the server, by the commands that people use, first all
// well and then with a sixth of them sick: every healthy one is found, switched on and read, none waits for a sick one, and
// each sick one is named for what it is.
func TestRoomOf200E2E(t *testing.T) {
	if !inRoom(t) {
		return
	}
	commands := map[string][]string{
		"1 scan": {"bmc", "scan", "127.1.0.0/24", "--user", "admin", "--password-file", "-"}, "2 power on": {"power", "on", "n[0001-0200]"},
		"3 power status": {"power", "status", "n[0001-0200]"}, "4 sensors": {"bmc", "sensors", "--bad", "n[0001-0200]"},
	}
	reports := map[bool]map[string]report{}
	for _, sick := range []bool{false, true} {
		t.Run(map[bool]string{false: "all well", true: "some sick"}[sick], func(t *testing.T) {
			r := startRoom(t, sick)
			commands["1 scan"][6] = filepath.Join(r.dir, "password")
			reports[sick] = map[string]report{}
			for _, name := range slices.Sorted(maps.Keys(commands)) {
				rep := r.measure(t, commands[name]...)
				reports[sick][name] = rep
				r.check(t, name, rep)
			}
		})
	}
	if t.Failed() {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(commands)) {
		well, sick := reports[false][name], reports[true][name]
		t.Logf("%-15s healthy ones' p50 %v, p99 %v, last %v; with sick ones p50 %v, p99 %v, last %v: ratio of p99 %.2f; all after %v, with sick ones %v", name,
			well.at(.5), well.at(.99), well.at(1), sick.at(.5), sick.at(.99), sick.at(1), sick.at(.99).Seconds()/well.at(.99).Seconds(),
			well.all.Round(time.Millisecond), sick.all.Round(time.Millisecond))
	}
}

// check compares what a command answered with what is so.
func (r *room) check(t *testing.T, name string, rep report) {
	t.Helper()
	wrong := 0
	for i, m := range r.fleet.Members {
		kind, key := "", m.Name
		if r.sick {
			kind = ill(i)
		}
		if name == "1 scan" {
			key = m.Address.Addr().String()
		}
		got, want := rep.answers[key], wanted(name, kind)
		if !strings.Contains(got, want) || (want == "" || want == "on" || want == "off") && got != want {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: %s, which %s: %q; want %q", name, key, kind, got, want)
			}
		}
		if on, _ := m.VM.Power(t.Context()); name == "2 power on" && on != (kind == "") {
			t.Errorf("%s, which %s, is on: %v", m.Name, kind, on)
		}
	}
	if !r.sick {
		if rep.exitCode != 0 {
			t.Errorf("%s: exit code %d\n%s", name, rep.exitCode, rep.out[max(0, len(rep.out)-2000):])
		}
		return
	}
	if rep.hanging != 0 && rep.at(1) >= rep.hanging {
		t.Errorf("%s: the last healthy one came after %v, and the first one that hangs was given up after %v", name, rep.at(1), rep.hanging)
	}
	if name == "1 scan" {
		return
	}
	if rep.exitCode == 0 || !strings.Contains(rep.out, "200 machines:") || !strings.Contains(rep.out, ": failed: bmc-unreachable") || !strings.Contains(rep.out, ": failed: bmc-auth") {
		t.Errorf("%s: exit code %d\n%s", name, rep.exitCode, rep.out[max(0, len(rep.out)-2000):])
	}
}

// wanted is a part of the answer of a controller; of one that hangs a scan sees nothing.
func wanted(command, kind string) string {
	switch kind {
	case "hangs":
		if command == "1 scan" {
			return ""
		}
		return "failed: "
	case "refuses":
		return map[bool]string{true: "no login", false: "failed: "}[command == "1 scan"]
	case "ignores":
		if command == "2 power on" {
			return "failed: "
		}
		if command == "3 power status" {
			return "off"
		}
	case "lies":
		if command == "2 power on" || command == "3 power status" {
			return "on" // it shows what was asked for: only what the server does next would tell
		}
	}
	return map[string]string{"1 scan": "SN", "2 power on": "on", "3 power status": "on", "4 sensors": "all is well"}[command]
}
