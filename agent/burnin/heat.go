package burnin

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"socle/api"
)

// whileBusy looks at the clocks and temperatures of the processors when three quarters of a time are over, as they are then
// under load. What it does ends with ctx.
func (r *run) whileBusy(ctx context.Context, d time.Duration, cpus []int) {
	t := time.NewTimer(d * 3 / 4)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return
	case <-t.C:
	}
	clocks := r.clocks()
	for _, n := range cpus {
		if mhz := clocks[n]; mhz > 0 {
			r.measured("cpu.frequency", fmt.Sprintf("core %d", n), "", "MHz", mhz)
		}
	}
	r.temperatures()
}

// clocks are how fast the cores run now, in MHz: as cpufreq says it, else as /proc/cpuinfo does.
func (r *run) clocks() map[int]float64 {
	all := map[int]float64{}
	for path, khz := range r.counters("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq") {
		if n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(filepath.Dir(path))), "cpu")); err == nil {
			all[n] = float64(khz) / 1000
		}
	}
	if len(all) > 0 {
		return all
	}
	f, err := os.Open(filepath.Join(r.Proc, "cpuinfo"))
	if err != nil {
		return all
	}
	defer func() { _ = f.Close() }()
	cpu := -1
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
		case "processor":
			if cpu, err = strconv.Atoi(value); err != nil {
				cpu = -1
			}
		case "cpu MHz":
			if mhz, err := strconv.ParseFloat(value, 64); err == nil && cpu >= 0 {
				all[cpu] = mhz
			}
		}
	}
	return all
}

// packages are how drivers of temperature sensors name that of a whole processor: coretemp, and k10temp of AMD.
var packages = []string{"Package id ", "Tctl"}

// temperatures reads those of the processors, hot as they are now: of the drivers that know them, else of the thermal zones.
// One that is at its critical limit failed.
func (r *run) temperatures() {
	found := false
	for path, n := range r.counters("class/hwmon/hwmon*/temp[0-9]*_input") {
		label := r.text(strings.TrimSuffix(path, "_input") + "_label")
		for _, p := range packages {
			if number, ok := strings.CutPrefix(label, p); ok {
				if number == "" { // k10temp has one sensor a processor, and does not number them
					number = strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "hwmon")
				}
				found = true
				r.temperature("cpu"+number, n, r.counters(strings.TrimPrefix(strings.TrimSuffix(path, "_input")+"_crit", r.Sys)))
			}
		}
	}
	for path, n := range r.counters("class/thermal/thermal_zone[0-9]*/temp") {
		if zone := strings.TrimPrefix(filepath.Base(filepath.Dir(path)), "thermal_zone"); !found && r.text(filepath.Join(filepath.Dir(path), "type")) == "x86_pkg_temp" {
			r.temperature("zone "+zone, n, nil)
		}
	}
}

// temperature tells one, in thousandths of a degree, and whether it reached its limit.
func (r *run) temperature(subject string, milli int64, limits map[string]int64) {
	r.measured("cpu.temperature", subject, "", "Cel", float64(milli)/1000)
	for _, limit := range limits {
		if limit > 0 && milli >= limit {
			r.failed(api.TestCPU, subject, "", "%s is at %d °C under load, and %d °C is its critical limit", subject, milli/1000, limit/1000)
		}
	}
}

// text is what a file of sysfs says; nothing when it cannot be read.
func (r *run) text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
