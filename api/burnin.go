package api

// OrderBurnIn puts the machine under load and reports what was measured: BurnIn, answered with a BurnInResult. Disks are
// only read, unless it names them.
const OrderBurnIn = "burn-in"

// TestRequest says how a machine is tested.
type TestRequest struct {
	Plan string `json:"plan,omitempty" maxLength:"64" doc:"name of a plan of the configuration; empty: that of the machine's model"`
	// WriteDisks destroys what is on these disks, so that it names the machine, too.
	WriteDisks []string `json:"write_disks,omitempty" maxItems:"1000" doc:"serial numbers of the disks that are written to in this run: all on them is lost. Others are only read"`
	Serial     string   `json:"serial,omitempty" doc:"of the machine, as confirmation; needed with write_disks"`
}

// The tests of a BurnIn.
const (
	TestCPU    = "cpu"
	TestMemory = "memory"
	TestDisk   = "disk"
	// TestNetwork is done together with another server that comes to the same test.
	TestNetwork = "network"
)

// Tests lists them.
func Tests() []string { return []string{TestCPU, TestMemory, TestDisk, TestNetwork} }

// PartnerRequest asks for another server to test the network with; it may be sent again, and counts once.
type PartnerRequest struct {
	Port int `json:"port"` // at which this one listens, over TCP
}

// Partner is the other one of two servers that test the network between them.
type Partner struct {
	Machine string `json:"machine"`           // its name
	Address string `json:"address,omitempty"` // where it listens; empty: it comes to this one
	Token   string `json:"token"`             // by which the two know each other, for this test only
}

// BurnIn says which tests are run, one after the other.
type BurnIn struct {
	Tests   []string `json:"tests"`          // see Tests
	Seconds int      `json:"seconds"`        // for each test
	Memory  int      `json:"memory_percent"` // of the free memory that is tested, 1 to 90; 0: all but Reserve
	Reserve int      `json:"memory_reserve"` // MiB of free memory that are left alone, instead of Memory
	// Write are the serial numbers of the disks that are written to: what is on them is lost.
	Write []string `json:"write,omitempty"`
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
