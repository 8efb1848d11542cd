package e2e

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gopkg.in/yaml.v3"

	"socle/internal/secret"
	"socle/lab"
)

// rackName is part of the names of the rack's namespace, interface and sockets.
const rackName = "e2e"

// Rack is a virtual rack of one test. Embedded is what it was built from.
type Rack struct {
	lab.Spec
	Dir     string // of disks and logs
	program string
}

// Spec makes a rack's specification of servers, on networks that no other rack has.
func Spec(servers ...lab.Server) lab.Spec {
	return lab.Spec{
		Name:         rackName,
		Provisioning: netip.MustParsePrefix("198.18.40.0/24"),
		Management:   netip.MustParsePrefix("198.18.41.0/24"),
		Servers:      servers,
	}.Complete()
}

// BIOS is a server with SeaBIOS, an IPMI BMC and one disk.
func BIOS(name string, u int) lab.Server {
	return server(name, u, lab.BIOS, lab.IPMI, "admin")
}

// UEFI is a server with OVMF, a Redfish BMC and one disk.
func UEFI(name string, u int) lab.Server {
	return server(name, u, lab.UEFI, lab.Redfish, "root")
}

func server(name string, u int, firmware lab.Firmware, protocol lab.Protocol, user string) lab.Server {
	return lab.Server{
		Name: name, Serial: "E2E-" + strings.ToUpper(name), Product: "Lab E1", Firmware: firmware, CPUs: 1, MemoryMiB: 1024, Rack: "r40", U: u,
		Disks: []lab.Disk{{Serial: strings.ToUpper(name) + "-SYS", SizeMiB: 3 << 10}},
		NICs:  []lab.NIC{{Switch: "leaf-e", Port: "swp" + strconv.Itoa(u)}},
		BMC:   lab.BMC{Protocol: protocol, User: user, Password: lab.Password{Secret: secret.New(name + "-secret")}},
	}
}

// RackUp brings a rack up with `socle lab up`, all servers off and their disks empty. When the test ends it goes
// down, and has to leave nothing behind.
func RackUp(t testing.TB, a Artefacts, dir string, spec lab.Spec) *Rack {
	t.Helper()
	r := &Rack{Spec: spec, Dir: filepath.Join(dir, "lab"), program: a.Program}
	t.Cleanup(func() { r.down(t) })
	r.Rebuild(t, dir, spec) // of a test that was killed, one may be up
	return r
}

// Rebuild takes the rack down, if it is up, and brings it up as another specification says: all servers off, and
// their disks empty.
func (r *Rack) Rebuild(t testing.TB, dir string, spec lab.Spec) {
	t.Helper()
	run(t, r.program, "lab", "down", "--name", rackName)
	file := filepath.Join(dir, "rack.yaml")
	if err := os.WriteFile(file, specYAML(t, spec), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, r.program, "lab", "up", "--spec", file, "--state-dir", r.Dir)
	r.Spec = spec
}

// specYAML is a specification as the program reads it. Secrets do not write themselves, so they are put in here.
func specYAML(t testing.TB, spec lab.Spec) []byte {
	t.Helper()
	text, err := yaml.Marshal(spec)
	var tree struct {
		Servers []map[string]any `yaml:"servers"`
		Rest    map[string]any   `yaml:",inline"`
	}
	err = errors.Join(err, yaml.Unmarshal(text, &tree))
	for i, s := range tree.Servers {
		if bmc, ok := s["bmc"].(map[string]any); ok {
			bmc["password"] = spec.Servers[i].BMC.Password.Reveal()
		}
	}
	text, merr := yaml.Marshal(tree)
	if err = errors.Join(err, merr); err != nil {
		t.Fatalf("writing the rack's specification: %v", err)
	}
	return text
}

// down takes the rack down and looks for what is left of it.
func (r *Rack) down(t testing.TB) {
	t.Helper()
	run := command(r.program, "lab", "down", "--name", r.Name)
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("taking the rack down: %v\n%s", err, out)
	}
	for _, left := range r.traces() {
		t.Errorf("the rack left %s", left)
	}
}

// traces are the processes, the namespace, the interface and the sockets of the rack.
func (r *Rack) traces() (found []string) {
	for _, path := range []string{"/run/netns/" + r.Interface(), "/run/" + r.Interface()} {
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	if _, err := net.InterfaceByName(r.Interface()); err == nil {
		found = append(found, "interface "+r.Interface())
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is right, which is the only error
	for _, p := range processes {
		line, err := os.ReadFile(p)
		if err == nil && p != "/proc/self/cmdline" && (bytes.Contains(line, []byte("/run/"+r.Interface()+"/")) || bytes.Contains(line, []byte(r.Dir+"/"))) {
			found = append(found, "process "+filepath.Base(filepath.Dir(p))+": "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// Power changes a server's power as a person at the rack would.
func (r *Rack) Power(t testing.TB, server string, action lab.Action) {
	t.Helper()
	if err := lab.Power(t.Context(), r.Name, server, action); err != nil {
		t.Fatal(err)
	}
}

// Fault makes a fault of a server happen, or ends it.
func (r *Rack) Fault(t testing.TB, server string, fault lab.Fault, happens bool) {
	t.Helper()
	if err := lab.SetFault(t.Context(), r.Name, server, fault, happens); err != nil {
		t.Fatal(err)
	}
}

// PowerActions is what a BMC was asked to do with its server's power, oldest first, such as "power on". What
// people at the rack did is left out.
func (r *Rack) PowerActions(t testing.TB, server string) (actions []string) {
	t.Helper()
	entries, err := lab.Journal(r.Dir, r.Name, server)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.By != "cli" && e.By != "qemu" && strings.HasPrefix(e.Action, "power ") {
			actions = append(actions, e.Action)
		}
	}
	return actions
}

// WantOnePowerOn fails the test unless the BMC was asked exactly once to switch on, and never to cycle or reset.
func (r *Rack) WantOnePowerOn(t testing.TB, server string) {
	t.Helper()
	got := slices.DeleteFunc(r.PowerActions(t, server), func(a string) bool { return a == "power off" }) // of a server that is off
	if !slices.Equal(got, []string{"power on"}) {
		t.Errorf("%s: its BMC was asked for %v, want one power on", server, got)
	}
}

// Console is what a server said on its serial line.
func (r *Rack) Console(server string) string {
	text, err := os.ReadFile(lab.ConsoleLog(r.Dir, r.Name, server))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Disk is the file of a server's nth disk, from 0.
func (r *Rack) Disk(server string, n int) string {
	return filepath.Join(r.Dir, r.Name, server, "disk"+strconv.Itoa(n)+".raw")
}

// Untouched tells whether nothing but zeros was ever written to a server's nth disk.
func (r *Rack) Untouched(t testing.TB, server string, n int) bool {
	t.Helper()
	f, err := os.Open(r.Disk(server, n))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const seekData = 3 // SEEK_DATA of lseek(2)
	off, err := f.Seek(0, seekData)
	if errors.Is(err, syscall.ENXIO) {
		return true // one hole
	}
	if err != nil {
		t.Fatal(err)
	}
	zeros, block := make([]byte, 1<<20), make([]byte, 1<<20)
	for _, err = f.Seek(off, io.SeekStart); err == nil; {
		var got int
		if got, err = f.Read(block); !bytes.Equal(block[:got], zeros[:got]) {
			return false
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return true
}

// Head is the beginning of a server's nth disk.
func (r *Rack) Head(t testing.TB, server string, n, bytes int) []byte {
	t.Helper()
	f, err := os.Open(r.Disk(server, n))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, bytes)
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	return head
}
