package api

// OrderBurnIn puts the machine under load and reports what was measured: BurnIn, answered with a BurnInResult. Disks are
// only read.
const OrderBurnIn = "burn-in"

// TestRequest says how a machine is tested.
type TestRequest struct {
	Plan string `json:"plan,omitempty" maxLength:"64" doc:"name of a plan of the configuration; empty: that of the machine's model"`
}

// The tests of a BurnIn.
const (
	TestCPU    = "cpu"
	TestMemory = "memory"
	TestDisk   = "disk"
)

// BurnIn says which tests are run, one after the other.
type BurnIn struct {
	Tests   []string `json:"tests"`          // TestCPU, TestMemory, TestDisk
	Seconds int      `json:"seconds"`        // for each test
	Memory  int      `json:"memory_percent"` // of the free memory that is tested, 1 to 90; 0: all but Reserve
	Reserve int      `json:"memory_reserve"` // MiB of free memory that are left alone, instead of Memory
}

// BurnInResult is what came of it. An order with failures is done, not failed: the test did its work.
type BurnInResult struct {
	Measured []Measured      `json:"measured,omitempty"`
	Failures []BurnInFailure `json:"failures,omitempty"`
	Notes    []string        `json:"notes,omitempty"` // what could not be looked at, or is worth a look, in words
}

// BurnInFailure is a part that did not do what it must.
type BurnInFailure struct {
	Test    string `json:"test"`
	Subject string `json:"subject"`        // "core 3", "sda", "memory"
	Part    string `json:"part,omitempty"` // serial number
	Reason  string `json:"reason"`         // one sentence
}
