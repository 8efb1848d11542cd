package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"socle/api"
	"socle/inventory"
	"socle/web"
	"socle/web/webtest"
)

// rack serves a filled world and returns what a data directory of its server holds.
func rack(t *testing.T) (*webtest.World, []string) {
	t.Helper()
	return rackAt(t, time.Now)
}

// rackAt is rack of a server with a clock of its own.
func rackAt(t *testing.T, now func() time.Time) (*webtest.World, []string) {
	t.Helper()
	world := webtest.New(t.TempDir(), now)
	world.Fill()
	s, err := web.New(world.Options())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() { s.Drain(); srv.Close() })
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "admin-token"), []byte(webtest.AdminToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return world, []string{"--server", srv.URL, "--data-dir", dir}
}

// run runs one command line under a root that has all commands of this test.
func run(ctx context.Context, args ...string) (string, error) {
	root := &cobra.Command{Use: "socle", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(newMachineCmd(), newPowerCmd(), newBootCmd(), newBMCCmd(), newFirmwareCmd(), newTestCmd(), newOutliersCmd(), newCompareCmd(), newSearchCmd(), newPlanCmd(), newLocateCmd(), newAlarmsCmd(), newEventsCmd(), newWhyCmd(), newManifestCmd(), newBuildoutCmd(), newKeyringCmd())
	root.AddCommand(newFindingsCmd(), newCablingCmd())
	root.AddCommand(newPlaceCmd(), newRackCmd(), newStackCmd())
	root.AddCommand(newSnapshotCmd())
	root.AddCommand(newModelCmd(), newAcceptCmd(), newCriteriaCmd(), newWaiverCmd(), newAcceptedCmd())
	root.AddCommand(newNetBoxCmd())
	root.AddCommand(newLabelCmd(), newRMACmd(), newPartCmd())
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader("name\nhv09\n"))
	root.AddCommand(newDeliveryCmd())
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return out.String(), err
}

func machineID(t *testing.T, world *webtest.World, name string) string {
	t.Helper()
	m, err := world.Machine(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func TestCommands(t *testing.T) {
	world, flags := rack(t)
	bad := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(bad, []byte("name\nbad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.csv")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "May List.csv")
	if err := os.WriteFile(list, []byte("Service Tag,Weight,NIC1 MAC\nx,1,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(t.TempDir(), "dell.yaml")
	if err := os.WriteFile(written, []byte("name: dell\ncolumns: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lists := filepath.Dir(list) + "/list.csv"
	if err := os.Symlink(list, lists); err != nil {
		t.Fatal(err)
	}
	on := inventory.Evidence{Machine: machineID(t, world, "st03"), Source: "bmc", Kind: inventory.SawPowerOn, Outcome: inventory.OutDone}
	on.Time = time.Now().Add(-time.Hour)
	world.See(on)
	on.Machine, on.Time = machineID(t, world, "hv03"), time.Now()
	world.See(on)
	for _, tc := range []struct {
		line string
		code int
		has  []string // in the output or the error
	}{
		{"machine list", 0, []string{"NAME", "hv02", "write-image 61%", "bmc-auth: the BMC", "held: is in no manifest"}},
		{"machine list --state active", 0, []string{"hv01"}},
		{"machine list --state nonsense", 2, []string{"expected value to be one of"}},
		{"machine show hv01", 0, []string{"serial", "SMC-2041-0007", "leaf01 swp7", "time deploying", "verified", "libvirt 9.0.0"}},
		{"why hv01", 0, []string{"looked for a DHCP server: offered its address and boot file undionly.kpxe", "all 21.0 MiB", "It boots: The agent spoke"}},
		{"why st03", 7, []string{"The power was given.", "It does not boot: ", "has sent nothing since", "Check: the cable", "st03 does not boot (silent)"}},
		{"why hv03", 8, []string{"It may still come", "hv03 is still booting (silent)"}},
		{"why stray-9f31", 7, []string{"It was not booted", "never-seen"}},
		{"why hv01 -o json", 0, []string{`"id": "agent-speaks"`, `"support": [`}},
		{"why hv01 -o yaml", 0, []string{"standing: boots"}},
		{"why nobody", 3, []string{`"nobody"`}},
		{"why", 2, []string{"socle why MACHINE"}},
		{"machine show nobody", 3, []string{`"nobody"`}},
		{"machine deploy st02", 2, []string{"--serial"}},
		{"machine deploy st02 --serial wrong", 2, []string{"SMC-6029-0102"}},
		{"machine deploy stray-9f31 --serial QX-77-9F31", 5, []string{"held"}},
		{"machine deploy st02 --serial SMC-6029-0102", 0, []string{"st02"}},
		{"machine hold hv01 hv02", 2, []string{"--reason"}},
		{"machine hold hv[01-02] hv03,-hv03 --reason fan", 0, []string{"hv01", "hv02", "held: fan"}},
		{"machine release hv[01-", 2, []string{"brackets"}},
		{"machine hold hv01 nobody hv02 --reason fan", 3, []string{"held: fan", "hv02"}},
		{"machine release hv01 hv02", 0, []string{"hv01"}},
		{"machine inspect st02", 0, []string{"st02"}},
		{"power off hv01 st02", 0, []string{"hv01  off", "st02  off"}},
		{"power status hv01", 0, []string{"hv01  off"}},
		{"power explode hv01", 2, []string{"explode"}},
		{"power policy hv[01-02] restore", 0, []string{"hv01", "hv02"}},
		{"machine show hv01", 0, []string{"power policy", "restore"}},
		{"power policy hv01", 2, []string{"RANGE..."}},
		{"power policy hv01 cycle", 2, []string{"say one of [accept restore alarm default] at the end"}},
		{"machine show", 2, []string{"machine show NAME", "--help"}},
		{"machine shwo hv01", 2, []string{"unknown command"}},
		{"machine lst", 2, []string{"did you mean list"}},
		{"machine list --nonsense", 2, []string{"--nonsense"}},
		{"events -n 3", 0, []string{"power status"}},
		{"events -n 5000", 2, []string{"between"}},
		{"manifest import - --dry-run", 0, []string{"hv09", "added (dry run)"}},
		{"manifest import - --mapping dell --dry-run", 0, []string{"LINE", "name hv09", "1 added, 0 changed, 0 same (dry run)"}},
		{"manifest mapping suggest " + lists, 0, []string{"name: list", "serial: Service Tag", "nic_macs: NIC1 MAC", "not used: Weight"}},
		{"manifest mapping suggest " + lists + " --orders", 2, []string{"looks like a header"}},
		{"manifest mapping put " + bad, 2, []string{"nothing was stored", "name:"}},
		{"manifest mapping put " + written, 0, []string{"dell", "token:admin"}},
		{"manifest mapping list", 0, []string{"dell"}},
		{"manifest mapping show dell", 0, []string{"name: dell"}},
		{"manifest mapping delete dell", 0, nil},
		{"manifest mapping show dell", 3, []string{`"dell"`}},
		{"delivery import - --number PO-7 --vendor Dell --dry-run", 0, []string{"PO-7", "added (dry run)"}},
		{"delivery list", 0, []string{"NOT SEEN"}},
		{"delivery import - --number PO-7 --vendor Dell", 0, []string{"PO-7      added"}},
		{"delivery list", 0, []string{"PO-7", "Dell"}},
		{"delivery show po-7", 0, []string{"r650", "1234.50 EUR", "1U server"}},
		{"delivery show PO-8", 3, []string{"no delivery of this number"}},
		{"manifest import " + bad, 2, []string{"line 2, column serial"}},
		{"manifest import /does/not/exist", 1, []string{"opening the manifest"}},
		{"manifest import " + filepath.Dir(bad), 2, []string{"is a folder"}},
		{"manifest import " + empty, 2, []string{"is empty"}},
		{"machine list --token-file " + bad, 1, []string{"one word"}},
		{"machine list --server localhost", 2, []string{"https://"}},
		{"buildout st02 stray-9f31", exitConflict, []string{"started", "skipped"}},
		{"machine list -o xml", 2, []string{"use table, json or yaml"}},
		{"machine list --token-file /does/not/exist", 1, []string{"reading the admin token"}},
		{"machine list --server http://127.0.0.1:1", 6, []string{"cannot be reached"}},
	} {
		t.Run(tc.line, func(t *testing.T) {
			args := append(strings.Fields(tc.line)[:1:1], append(flags, strings.Fields(tc.line)[1:]...)...)
			out, err := run(t.Context(), args...)
			if code := exitCode(err); code != tc.code {
				t.Errorf("exit code %d, want %d: %v", code, tc.code, err)
			}
			if err != nil {
				out += err.Error()
			}
			for _, s := range tc.has {
				if !strings.Contains(out, s) {
					t.Errorf("%q is not said:\n%s", s, out)
				}
			}
		})
	}
	if calls := strings.Join(world.Calls(), "\n"); !strings.Contains(calls, "token:admin power off st02") || strings.Contains(calls, "import") {
		t.Errorf("what was done:\n%s", calls)
	}
}

func TestOutputs(t *testing.T) {
	_, flags := rack(t)
	text, err := run(t.Context(), append([]string{"machine", "list", "-o", "json"}, flags...)...)
	var fromJSON, fromYAML api.MachineList
	if err != nil || json.Unmarshal([]byte(text), &fromJSON) != nil || len(fromJSON.Machines) != 8 {
		t.Fatalf("JSON: %v\n%s", err, text)
	}
	text, err = run(t.Context(), append([]string{"machine", "list", "-o", "yaml"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil || !strings.Contains(text, "serial: SMC-2041-0007") {
		t.Fatalf("YAML: %v\n%s", err, text)
	}
	again, err := json.Marshal(tree)
	if err != nil || json.Unmarshal(again, &fromYAML) != nil || fromYAML.Machines[3].Fault == nil || fromYAML.Machines[3].Fault.Reason != fromJSON.Machines[3].Fault.Reason {
		t.Errorf("YAML says something else than JSON: %v", err)
	}
}

// TestYAMLKeepsTypes: texts that look like something else stay texts.
func TestYAMLKeepsTypes(t *testing.T) {
	var b bytes.Buffer
	in := map[string]any{"a": "true", "b": "12", "c": "0x1f", "d": "1e3", "e": "null", "f": "a: b", "g": "line\nline", "h": 12.0, "i": true, "j": nil, "k": "2026-11-23", "l": "~"}
	if err := printYAML(&b, in); err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := yaml.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	for k, v := range in {
		if k == "h" {
			v = 12
		}
		if out[k] != v {
			t.Errorf("%s: %#v became %#v in\n%s", k, v, out[k], b.String())
		}
	}
}

func TestTableIsHarmless(t *testing.T) {
	world, flags := rack(t)
	world.FillHostile(4 << 10)
	for _, line := range [][]string{{"machine", "list"}, {"machine", "show", "id-hostile"}, {"events"}} {
		out, err := run(t.Context(), append(line, flags...)...)
		if err != nil || strings.ContainsAny(out, "\x1b\x07\x00\r\u202e") {
			t.Errorf("socle %s lets control characters through (%v)", strings.Join(line, " "), err)
		}
	}
}

func TestFollowEvents(t *testing.T) {
	world, flags := rack(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	go func() {
		time.Sleep(time.Second) // while the command follows
		world.Append(inventory.Event{Time: time.Now(), Name: "hv01", Kind: "test", Reason: "the news"})
		time.Sleep(time.Second) // for it to be shown
		cancel()
	}()
	out, err := run(ctx, append([]string{"events", "-f", "-n", "2"}, flags...)...)
	if err != nil || strings.Count(out, "\n") != 3 || !strings.Contains(out, "the news") {
		t.Errorf("events -f: %v\n%s", err, out)
	}
}

func TestExitCode(t *testing.T) {
	for want, err := range map[int]error{
		0: nil, 1: errors.New("x"), 2: usageError{errors.New("x")}, 3: api.NewProblem(http.StatusNotFound, "", ""), 4: api.NewProblem(http.StatusForbidden, "", ""),
		5: errors.Join(errors.New("first"), api.NewProblem(http.StatusConflict, "", "")), 6: api.ErrUnreachable,
	} {
		if got := exitCode(err); got != want {
			t.Errorf("exitCode(%v) = %d, want %d", err, got, want)
		}
	}
}

// files makes files of a test by name and text, and says where they are.
func files(t *testing.T) func(name, text string) string {
	t.Helper()
	dir := t.TempDir()
	return func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
}
