package outlier

import (
	"strings"

	"socle/hardware/sample"
	"socle/inventory"
)

// Measured makes measurements of the readings of a sample server, as they are named here. Twice the same is taken once: of
// a disk's sequential speed the bytes, of its random speed the operations. What a kernel guesses (bogomips) is none.
func Measured(machine string, all []sample.Reading) []inventory.Measurement {
	var out []inventory.Measurement
	for _, r := range all {
		m := inventory.Measurement{Machine: machine, Run: "sample", Value: r.Value}
		switch r.Class {
		case "disk":
			m.Subject = r.Element
			m.Metric, m.Unit = diskMetric(r.Property)
		case "cpu":
			if number, ok := strings.CutPrefix(r.Element, "logical_"); ok {
				m.Subject = "core " + number
			}
			m.Metric, m.Unit = cpuMetric(r.Property, m.Subject == "")
		}
		if m.Metric != "" {
			out = append(out, m)
		}
	}
	return out
}

// diskMetric reads "standalone_randwrite_4k_IOps".
func diskMetric(property string) (metric, unit string) {
	parts := strings.Split(property, "_")
	if len(parts) != 4 {
		return "", ""
	}
	all := map[string]string{"standalone": "", "simultaneous": ".all"}
	suffix, known := all[parts[0]]
	op, random := strings.CutPrefix(parts[1], "rand")
	switch {
	case !known || op != "read" && op != "write":
		return "", ""
	case random && parts[3] == "IOps":
		return "disk." + op + ".random" + suffix, "1/s"
	case !random && parts[3] == "KBps":
		return "disk." + op + ".sequential" + suffix, "kB/s"
	}
	return "", ""
}

// cpuMetric reads "loops_per_sec", "bandwidth_1G" and "threaded_bandwidth_1G".
func cpuMetric(property string, all bool) (metric, unit string) {
	if property == "loops_per_sec" {
		metric, unit = "cpu.ops", "1/s"
	} else if how, size, ok := strings.Cut(property, "bandwidth_"); ok {
		metric, unit = "memory.bandwidth."+size, "MB/s"
		if how != "" {
			metric = "memory.bandwidth." + size + " " + strings.TrimSuffix(how, "_")
		}
	}
	if metric != "" && all {
		metric += ".all"
	}
	return metric, unit
}
