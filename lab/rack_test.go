package lab

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMain lets the test binary stand in for the program: Up starts it again as the supervisor, ipmi_sim as the hook.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "lab" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch os.Args[2] {
	case "run":
		err = Supervise(ctx, os.Args[4], slog.New(slog.NewTextHandler(os.Stderr, nil)))
	case "plug-in":
		err = plugIn(os.Args[3], os.Stdout)
	case "bmc-hook":
		err = Hook(ctx, os.Args[3:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// testSpec is the default rack under a test's own name and network.
func testSpec(t *testing.T, name string, net int) Spec {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the virtual rack makes network namespaces: run this test as root")
	}
	s, err := Default().Rename(name).Move(netip.MustParsePrefix(fmt.Sprintf("198.18.%d.0/24", net)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// up brings a rack up and takes it down when the test ends.
func up(t *testing.T, s Spec, dir string) Status {
	t.Helper()
	t.Cleanup(func() {
		if err := Down(context.Background(), s.Name, testLog(t)); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, f := range []string{"supervisor.log", "hv01/ipmi_sim.log", "hv01/bmc.log", "hv01/qemu.log", "st01/bmc.log", "st01/qemu.log"} {
				text, _ := os.ReadFile(filepath.Join(dir, s.Name, f))
				t.Logf("%s:\n%s", f, text)
			}
		}
	})
	st, err := Up(t.Context(), s, dir, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// traces is everything that a rack could leave on the host.
func traces(t *testing.T, lab string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/sys/class/net/" + InterfaceName(lab), nsFile(lab), runDir(lab)} {
		if _, err := os.Lstat(pattern); err == nil {
			found = append(found, pattern)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), InterfaceName(lab)+" ") {
		found = append(found, "a mount")
	}
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range cmdlines {
		text, _ := os.ReadFile(f)
		words := strings.ReplaceAll(string(text), "\x00", " ")
		cwd, _ := os.Readlink(filepath.Join(filepath.Dir(f), "cwd"))
		if strings.Contains(words, runDir(lab)+"/") || strings.Contains(words, "lab run --name "+lab+" ") || strings.HasPrefix(cwd, runDir(lab)) {
			found = append(found, filepath.Base(filepath.Dir(f))+": "+words)
		}
	}
	return found
}

func wantNoTraces(t *testing.T, lab string) {
	t.Helper()
	if left := traces(t, lab); len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

// ipmitool runs the real client against hv01's BMC.
func ipmitool(t *testing.T, s Spec, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	b := s.Servers[0].BMC
	cmd := exec.CommandContext(ctx, "ipmitool", append([]string{"-I", "lanplus", "-C", "3", "-H", b.Address.String(), "-U", b.User, "-E"}, args...)...)
	cmd.Env = append(os.Environ(), "IPMI_PASSWORD="+b.Password.Reveal())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ipmitool %v: %v: %s", args, err, out)
	}
	return string(out)
}

// redfishDo speaks to a server's Redfish service and decodes the answer.
func redfishDo(t *testing.T, b BMC, method, path, body string) (int, map[string]any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "https://"+b.Address.String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(b.User, b.Password.Reveal())
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a BMC's own certificate
		DisableKeepAlives: true,
	}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if len(bytes.TrimSpace(text)) > 0 {
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %s", err, text)
		}
	}
	return res.StatusCode, got
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}

func serverStatus(t *testing.T, lab, server string) ServerStatus {
	t.Helper()
	st, err := State(t.Context(), lab)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(st.Servers, func(s ServerStatus) bool { return s.Name == server })
	return st.Servers[i]
}

func TestRackUpAndDown(t *testing.T) {
	s, dir := testSpec(t, "labt1", 60), t.TempDir()
	wantNoTraces(t, s.Name)
	first := up(t, s, dir)
	if len(traces(t, s.Name)) < 4 {
		t.Errorf("the rack's traces are not recognised: %v", traces(t, s.Name))
	}
	again, err := Up(t.Context(), s, dir, testLog(t))
	if err != nil || again.PID != first.PID {
		t.Errorf("second up: supervisor %d then %d, error %v", first.PID, again.PID, err)
	}
	changed := s
	changed.Servers = slices.Clone(s.Servers)
	changed.Servers[0].MemoryMiB = 512
	if _, err := Up(t.Context(), changed, dir, testLog(t)); err == nil || !strings.Contains(err.Error(), "another specification") {
		t.Errorf("up with another specification: %v", err)
	}
	if err := Down(t.Context(), s.Name, testLog(t)); err != nil {
		t.Fatal(err)
	}
	wantNoTraces(t, s.Name)
	if err := Down(t.Context(), s.Name, testLog(t)); err != nil {
		t.Errorf("down of a rack that is down: %v", err)
	}
	if _, err := State(t.Context(), s.Name); err == nil || !strings.Contains(err.Error(), "socle lab up --name labt1") {
		t.Errorf("state of a rack that is down: %v", err)
	}
}

func TestTwoRacksBesideEachOther(t *testing.T) {
	a, b, dir := testSpec(t, "labt2", 62), testSpec(t, "labt3", 64), t.TempDir()
	up(t, a, dir)
	clash := testSpec(t, "labt4", 62)
	if _, err := Up(t.Context(), clash, dir, testLog(t)); err == nil || !strings.Contains(err.Error(), "--subnet") {
		t.Errorf("a rack on a network in use: %v", err)
	}
	wantNoTraces(t, clash.Name)
	up(t, b, dir)
	if err := Down(t.Context(), b.Name, testLog(t)); err != nil {
		t.Fatal(err)
	}
	wantNoTraces(t, b.Name)
	if out := ipmitool(t, a, "power", "status"); !strings.Contains(out, "off") {
		t.Errorf("the first rack after the second went down: %s", out)
	}
}

func TestIPMIPower(t *testing.T) {
	s, dir := testSpec(t, "labt5", 66), t.TempDir()
	up(t, s, dir)
	want := func(args, text string) {
		t.Helper()
		if out := ipmitool(t, s, strings.Fields(args)...); !strings.Contains(out, text) {
			t.Errorf("ipmitool %s: %q is not in %q", args, text, out)
		}
	}
	want("power status", "Power is off")
	want("lan print 1", s.Servers[0].BMC.Address.String())
	want("lan print 1", s.Servers[0].BMC.MAC)
	want("chassis bootdev pxe", "Set Boot Device to pxe")
	want("chassis bootparam get 5", "Force PXE")
	want("power on", "Up/On")
	want("power status", "Power is on")
	// The boot that was ordered once is used up by the boot, and asked of QEMU no more.
	eventually(t, "override used up", 30*time.Second, func() bool { return serverStatus(t, s.Name, "hv01").NextBoot == "none" })
	want("chassis bootdev disk", "Set Boot Device to disk")
	want("chassis bootparam get 5", "Force Boot from default Hard-Drive")
	pid := serverStatus(t, s.Name, "hv01").PID
	want("power reset", "Reset")
	eventually(t, "override used up by reset", 30*time.Second, func() bool { return serverStatus(t, s.Name, "hv01").NextBoot == "none" })
	if now := serverStatus(t, s.Name, "hv01").PID; now != pid {
		t.Errorf("reset changed QEMU's process from %d to %d: the power went off", pid, now)
	}
	want("power cycle", "Cycle")
	eventually(t, "another QEMU after power cycle", 30*time.Second, func() bool {
		now := serverStatus(t, s.Name, "hv01")
		return now.On && now.PID != pid
	})
	want("power off", "Down/Off")
	want("power status", "Power is off")
	j, err := Journal(dir, s.Name, "hv01")
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, e := range j {
		if e.By == "ipmi" {
			asked = append(asked, e.Action)
		}
	}
	wantJournal := []string{"boot pxe once=true", "power on", "boot disk once=true", "power reset", "power off", "power on", "power off"}
	if diff := cmp.Diff(wantJournal, asked); diff != "" {
		t.Errorf("BMC journal:\n%s", diff)
	}
	text, err := os.ReadFile(ConsoleLog(dir, s.Name, "hv01"))
	if err != nil || !strings.Contains(string(text), "SeaBIOS") {
		t.Errorf("console log has no SeaBIOS: %v, %d bytes", err, len(text))
	}
}

func TestRedfishPower(t *testing.T) {
	s, dir := testSpec(t, "labt6", 68), t.TempDir()
	up(t, s, dir)
	const system = "/redfish/v1/Systems/1"
	b := s.Servers[1].BMC
	power := func() string {
		_, got := redfishDo(t, b, http.MethodGet, system, "")
		state, _ := got["PowerState"].(string)
		return state
	}
	if code, got := redfishDo(t, b, http.MethodGet, system, ""); code != 200 || got["SerialNumber"] != s.Servers[1].Serial || got["PowerState"] != "Off" {
		t.Fatalf("%d %v", code, got)
	}
	wrong := b
	wrong.Password = s.Servers[0].BMC.Password
	if code, _ := redfishDo(t, wrong, http.MethodGet, system, ""); code != http.StatusUnauthorized {
		t.Errorf("a wrong password got %d", code)
	}
	if code, got := redfishDo(t, b, http.MethodPatch, system, `{"Boot":{"BootSourceOverrideEnabled":"Once","BootSourceOverrideTarget":"Pxe"}}`); code/100 != 2 {
		t.Fatalf("%d %v", code, got)
	}
	reset := func(kind string) {
		t.Helper()
		if code, got := redfishDo(t, b, http.MethodPost, system+"/Actions/ComputerSystem.Reset", `{"ResetType":"`+kind+`"}`); code/100 != 2 {
			t.Fatalf("%s: %d %v", kind, code, got)
		}
	}
	reset("On")
	eventually(t, "on", 10*time.Second, func() bool { return power() == "On" })
	st := serverStatus(t, s.Name, "st01")
	reset("ForceRestart")
	if now := serverStatus(t, s.Name, "st01"); now.PID != st.PID {
		t.Error("a restart changed QEMU's process: the power went off")
	}
	reset("ForceOff")
	eventually(t, "off", 10*time.Second, func() bool { return power() == "Off" })
}

func TestDownAfterKill(t *testing.T) {
	s, dir := testSpec(t, "labt7", 70), t.TempDir()
	st := up(t, s, dir)
	for _, server := range []string{"hv01", "stray"} {
		if err := Power(t.Context(), s.Name, server, PowerOn); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(st.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := Down(t.Context(), s.Name, testLog(t)); err != nil {
		t.Fatal(err)
	}
	wantNoTraces(t, s.Name)

	// Half of it is missing: the host's end of the cable, the sockets and pid files, and the supervisor.
	st = up(t, s, dir)
	if err := Power(t.Context(), s.Name, "hv01", PowerOn); err != nil {
		t.Fatal(err)
	}
	if err := ip(t.Context(), "link", "delete", "dev", s.Interface()); err != nil {
		t.Fatal(err)
	}
	err := os.RemoveAll(runDir(s.Name))
	for range 100 { // QEMU, just switched on, may still be making its sockets there
		if err == nil {
			break
		}
		<-time.After(20 * time.Millisecond)
		err = os.RemoveAll(runDir(s.Name))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := Down(t.Context(), s.Name, testLog(t)); err != nil {
		t.Fatal(err)
	}
	wantNoTraces(t, s.Name)
	if p, err := findProcess(st.PID); err == nil {
		t.Errorf("the supervisor still runs: %v", p)
	}
	// And an up over the remains of a killed one.
	st = up(t, s, dir)
	_ = syscall.Kill(st.PID, syscall.SIGKILL)
	if again, err := Up(t.Context(), s, dir, testLog(t)); err != nil || again.PID == st.PID {
		t.Errorf("up after a kill: %v", err)
	}
}

func TestDownSparesStrangers(t *testing.T) {
	s := testSpec(t, "labt8", 72)
	// A pid file that names a process of today with the start time of another: a number that was used again.
	if err := os.MkdirAll(runDir(s.Name), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for _, name := range []string{"supervisor.pid", "hv01.pid"} {
		if err := os.WriteFile(filepath.Join(runDir(s.Name), name), fmt.Appendf(nil, "%d 17\n", cmd.Process.Pid), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// An interface with the rack's name that is none of ours.
	if err := ip(t.Context(), "link", "add", s.Interface(), "type", "bridge"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ip(context.Background(), "link", "delete", "dev", s.Interface()) }()
	if err := Down(t.Context(), s.Name, testLog(t)); err == nil {
		t.Error("down deleted a stranger's interface without a word")
	}
	if _, err := os.Stat("/sys/class/net/" + s.Interface()); err != nil {
		t.Error("a stranger's interface is gone")
	}
	if _, err := findProcess(cmd.Process.Pid); err != nil {
		t.Error("a stranger's process was killed")
	}
}

func TestFaults(t *testing.T) {
	s, dir := testSpec(t, "labt9", 74), t.TempDir()
	up(t, s, dir)
	answers := func(server int) bool {
		b := s.Servers[server].BMC
		if b.Protocol == IPMI {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			return awaitIPMI(ctx, b.Address) == nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return exec.CommandContext(ctx, "curl", "-sk", "https://"+b.Address.String()+"/redfish/v1").Run() == nil
	}
	for i, server := range []string{"hv01", "st01"} {
		for _, happens := range []bool{true, false} {
			if err := SetFault(t.Context(), s.Name, server, BMCSilent, happens); err != nil {
				t.Fatal(err)
			}
			if answers(i) == happens {
				t.Errorf("%s: silent %v, answers %v", server, happens, !happens)
			}
		}
	}
	flags := func() string {
		out, err := exec.CommandContext(t.Context(), "ip", "-n", s.Interface(), "-br", "link", "show", "dev", "hv01-0").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	for _, happens := range []bool{true, false} {
		if err := SetFault(t.Context(), s.Name, "hv01", NoLink, happens); err != nil {
			t.Fatal(err)
		}
		if up := strings.Contains(flags(), ",UP"); up == happens {
			t.Errorf("cable pulled %v: %s", happens, flags())
		}
	}
	if err := SetFault(t.Context(), s.Name, "hv01", "fire", true); err == nil {
		t.Error("an unknown fault was accepted")
	}
	if err := SetFault(t.Context(), s.Name, "hv01", "bmc:conflict", true); err == nil || !strings.Contains(err.Error(), "Redfish") {
		t.Errorf("an IPMI BMC takes a fault of Redfish: %v", err)
	}
	const reset = "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset"
	for _, happens := range []bool{true, false} {
		for _, fault := range []Fault{"bmc:conflict,path=" + reset, "part:PSU1"} {
			if err := SetFault(t.Context(), s.Name, "st01", fault, happens); err != nil {
				t.Fatal(err)
			}
		}
		want := map[bool][2]any{true: {409, "Critical"}, false: {204, "OK"}}[happens]
		code, _ := redfishDo(t, s.Servers[1].BMC, http.MethodPost, reset, `{"ResetType":"ForceOff"}`)
		_, system := redfishDo(t, s.Servers[1].BMC, http.MethodGet, "/redfish/v1/Systems/1", "")
		if status, _ := system["Status"].(map[string]any); code != want[0] || status["Health"] != want[1] {
			t.Errorf("faults %v: %d, %v", happens, code, status)
		}
	}
}
