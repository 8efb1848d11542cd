package api

import "time"

// PathMeasurements is where what tests measured is read.
const PathMeasurements = "/api/v1/measurements"

// Measured is one number that a test found out.
type Measured struct {
	Metric        string  `json:"metric" doc:"dotted name, such as disk.read.sequential; .all at its end when all disks or cores were busy at once"`
	Subject       string  `json:"subject" doc:"the part, as it is called in that boot: sda, node0, cpu1"`
	Part          string  `json:"part,omitempty" doc:"serial number of the part"`
	Value         float64 `json:"value"`
	Unit          string  `json:"unit"`
	LowerIsBetter bool    `json:"lower_is_better,omitempty"`
}

// Measurement is one number, of which machine it is, and when it was measured.
type Measurement struct {
	Machine string    `json:"machine"`
	Run     string    `json:"run" doc:"ID of the run of tests"`
	Time    time.Time `json:"time"`
	Measured
}

// MeasurementList is the answer of GET /api/v1/measurements.
type MeasurementList struct {
	Measurements []Measurement `json:"measurements"`
	More         bool          `json:"more,omitempty" doc:"there are more than fit into one answer: ask for less"`
}

// MeasurementQuery chooses measurements.
type MeasurementQuery struct {
	Machine, Run, Metric string // empty: all
	History              bool   // all runs that are kept, instead of the newest of each metric
}
