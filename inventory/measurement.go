package inventory

import "time"

// Measurement is one number that a test found out about one machine. Its metric has a dotted name: "cpu.ops",
// "memory.bandwidth", "disk.read.sequential", "network.tcp.send"; ".all" is appended when all disks or cores were
// measured at once. A metric always has the same unit.
type Measurement struct {
	Machine string    // ID
	Run     string    // ID of the run of tests that it was measured in
	Time    time.Time // when it was measured
	Metric  string
	Subject string // the part as a person names it in this boot: "sda", "node0", "cpu1"
	Part    string // serial number of the part, as far as it has one: what stays the same over boots
	Value   float64
	Unit    string // "MB/s", "1/s", "Mbit/s", "Cel", "%", "ms"
	// LowerIsBetter says so of temperatures, times and errors.
	LowerIsBetter bool
}

// MeasurementsKept is how many runs of each metric of a machine are kept; older ones are forgotten.
const MeasurementsKept = 20

// MeasurementFilter chooses measurements. All that is said has to fit.
type MeasurementFilter struct {
	Machine string    // ID; empty: of all machines
	Run     string    // empty: of all runs
	Metric  string    // exactly this one; empty: all
	Since   time.Time // zero: as far back as they are kept
	// Newest leaves, of each metric of a machine, those of the newest run that measured it.
	Newest bool
}
