package burnin

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// write makes files below a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const interruptsText = `            CPU0       CPU1
   0:         44          0   IO-APIC   2-edge      timer
 THR:          1          2   Threshold APIC interrupts
 DFR:          0          0   Deferred Error APIC interrupts
 MCE:          3          0   Machine check exceptions
 MCP:         13         14   Machine check polls
`

func TestMachineChecks(t *testing.T) {
	want := map[string]int64{"machine check exceptions": 3, "corrected errors above the threshold": 3, "deferred errors": 0}
	if got := machineChecks(strings.NewReader(interruptsText)); !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"interrupts": interruptsText})
	r := &run{Plan: Plan{Proc: dir, Sys: dir}}
	before := r.faults()
	write(t, dir, map[string]string{"interrupts": strings.Replace(interruptsText, "3          0", "3          2", 1)})
	r.compareFaults(api.TestMemory, before)
	if f := r.result.Failures; len(f) != 1 || f[0].Subject != "CPUs" || !strings.Contains(f[0].Reason, "2 machine check exceptions") {
		t.Errorf("%+v", f)
	}
}

func FuzzMachineChecks(f *testing.F) {
	f.Add(interruptsText)
	f.Add("MCE: 1 -2 3\nMCE:")
	f.Fuzz(func(t *testing.T, text string) {
		for kind := range machineChecks(strings.NewReader(text)) {
			if !slices.Contains(slices.Collect(maps.Values(interrupts)), kind) {
				t.Errorf("%q", kind)
			}
		}
	})
}

// TestHeat: clocks from cpufreq before those of cpuinfo, the temperature of whole processors, and one that is too hot.
func TestHeat(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2100.5\n\nprocessor\t: 1\ncpu MHz\t\t: 800.0\n",
		"class/hwmon/hwmon2/temp1_input": "91000\n", "class/hwmon/hwmon2/temp1_label": "Package id 1\n", "class/hwmon/hwmon2/temp1_crit": "90000\n",
		"class/hwmon/hwmon2/temp2_input": "99000\n", "class/hwmon/hwmon2/temp2_label": "Core 0\n",
		"class/hwmon/hwmon3/temp1_input": "55000\n", "class/hwmon/hwmon3/temp1_label": "Tctl\n"})
	r := &run{Plan: Plan{Proc: dir, Sys: dir}}
	if got := r.clocks(); got[0] != 2100.5 || got[1] != 800 {
		t.Errorf("cpuinfo: %v", got)
	}
	write(t, dir, map[string]string{"devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "2600000\n"})
	r.whileBusy(t.Context(), time.Millisecond, []int{0, 1})
	got := map[string]float64{}
	for _, m := range r.result.Measured {
		got[m.Metric+" "+m.Subject] = m.Value
	}
	if want := map[string]float64{"cpu.frequency core 1": 2600, "cpu.temperature cpu1": 91, "cpu.temperature cpu3": 55}; !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if f := r.result.Failures; len(f) != 1 || f[0].Subject != "cpu1" || !strings.Contains(f[0].Reason, "91 °C") {
		t.Errorf("%+v", f)
	}
}

// TestNodes: processors belong to NUMA nodes; where the kernel tells of none, all to node 0.
func TestNodes(t *testing.T) {
	dir := t.TempDir()
	r := &run{Plan: Plan{Sys: dir}}
	if got := r.nodes([]int{0, 1}); len(got) != 1 || got[0].number != 0 || len(got[0].cpus) != 2 {
		t.Errorf("%v", got)
	}
	const nodes = "devices/system/node/"
	write(t, dir, map[string]string{nodes + "node10/cpulist": "\n", nodes + "node1/cpulist": "2-3,6\n", nodes + "node0/cpulist": "0-1,4-5\n"})
	got := r.nodes([]int{0, 1, 3, 6, 7})
	if len(got) != 2 || got[0].number != 0 || !slices.Equal(got[0].cpus, []int{0, 1}) || !slices.Equal(got[1].cpus, []int{3, 6}) {
		t.Errorf("%v", got)
	}
	if r.Reserve = 256; r.share(1<<30) != 768<<20 || r.share(1<<20) != 0 {
		t.Error("the reserve is not left alone")
	}
}

func FuzzCPUList(f *testing.F) {
	f.Add("0-3,8,12-15\n")
	f.Add("9-1,-,x,99999999999999999999,0-99999")
	f.Fuzz(func(t *testing.T, text string) {
		for _, n := range cpuList(text) {
			if n < 0 || n >= mostCPUs {
				t.Fatal(n)
			}
		}
	})
}

// TestHealth: what a disk says of itself is measured, and what grew in the test or is to fail is a failure.
func TestHealth(t *testing.T) {
	states := map[string][]Health{
		"well":  {{Values: []HealthValue{{Name: "wear", Unit: "%", Value: 3}}}, {Values: []HealthValue{{Name: "wear", Unit: "%", Value: 4}}}},
		"worse": {{Values: []HealthValue{{Name: "pending", Value: 1, Grows: true, Words: "bad sectors"}}}, {Values: []HealthValue{{Name: "pending", Value: 3, Grows: true, Words: "bad sectors"}}}},
		"ends":  {{Failing: "spare"}, {Failing: "spare"}},
	}
	r := &run{Plan: Plan{Disks: []Disk{{Path: "well", Serial: "S1"}, {Path: "worse", Serial: "S2"}, {Path: "ends", Serial: "S3"}, {Path: "mute", Serial: "S4"}},
		Health: func(path string) (h Health, err error) {
			if len(states[path]) == 0 {
				return h, os.ErrInvalid
			}
			h, states[path] = states[path][0], states[path][1:]
			return h, nil
		}}}
	r.compareHealth(r.health(true))
	var got []string
	for _, f := range r.result.Failures {
		got = append(got, f.Part+" "+f.Reason)
	}
	if len(got) != 2 || !strings.Contains(got[0], "S2 disk S2 () has 3 bad sectors, and had 1") || !strings.Contains(got[1], "S3 disk S3 () expects to fail: spare") {
		t.Errorf("%q", got)
	}
	if m := r.result.Measured; len(m) != 2 || m[0].Metric != "disk.smart.wear" || m[0].Value != 4 || !m[0].LowerIsBetter || len(r.result.Notes) != 1 {
		t.Errorf("%+v %q", m, r.result.Notes)
	}
}
