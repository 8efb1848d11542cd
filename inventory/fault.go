package inventory

import "time"

// FaultKind is the type of a failure; each has its own remedy.
type FaultKind string

// The kinds of faults. Their names are part of the API.
const (
	FaultBMCAuth      FaultKind = "bmc-auth"        // the BMC answers and refuses the password
	FaultBMCSilent    FaultKind = "bmc-unreachable" // the BMC does not answer
	FaultBMCPassword  FaultKind = "bmc-password"    // the BMC wants its password changed before anything else
	FaultBMCStranger  FaultKind = "bmc-certificate" // what answers does not show the certificate of this BMC
	FaultBMC          FaultKind = "bmc-error"       // the BMC answers, and not as it should
	FaultNoBoot       FaultKind = "no-network-boot" // powered on, and the agent never came
	FaultBootLoop     FaultKind = "boot-loop"       // it fetched what it was given, by every way there is, and the agent never came
	FaultIdentity     FaultKind = "identity"        // what booted is not the machine that was meant
	FaultNoRole       FaultKind = "no-role"         // no role's rules fit the facts
	FaultNoDisk       FaultKind = "no-disk"         // no disk fits the role
	FaultImageTooBig  FaultKind = "image-too-big"   // the image is larger than the disk
	FaultImageMissing FaultKind = "image-missing"   // the role's image is not in the store
	FaultImageCorrupt FaultKind = "image-corrupt"   // what was written does not read back
	FaultRefused      FaultKind = "order-refused"   // the agent would not carry out an order (wrong serial, second use)
	FaultAgent        FaultKind = "agent"           // the agent failed at an order
	FaultAgentLost    FaultKind = "agent-lost"      // the agent stopped reporting
	FaultNoPhoneHome  FaultKind = "no-phone-home"   // the deployed system never called
	FaultSetup        FaultKind = "role-setup"      // the deployed system could not set up its role
	FaultVerify       FaultKind = "verify"          // the role does not work when looked at from outside
	FaultDeadline     FaultKind = "deadline"        // took too long, and nothing more precise is known
	FaultBurnIn       FaultKind = "burn-in"         // a test under load failed
	FaultServerDisk   FaultKind = "server-disk-full"
)

// OfBMC tells whether a fault of this kind is about the machine's BMC.
func (k FaultKind) OfBMC() bool {
	switch k {
	case FaultBMCAuth, FaultBMCSilent, FaultBMCPassword, FaultBMCStranger, FaultBMC:
		return true
	default:
		return false
	}
}

// Fault is why a machine does not go on. It says what happened and what a person can do about it.
type Fault struct {
	Kind   FaultKind `json:"kind"`
	Reason string    `json:"reason"` // plain words: what happened
	Remedy string    `json:"remedy"` // plain words: what to do
	Step   string    `json:"step,omitempty"`
	Since  time.Time `json:"since"` // of the first in a row of equal kind
	Count  int       `json:"count"` // how many in that row
	// RetryAt is when Socle tries again by itself; zero means that it waits for a person.
	RetryAt time.Time `json:"retry_at,omitzero"`
}

// Fail records a failure; a second one of the same kind counts up and keeps the first one's time.
func (m *Machine) Fail(kind FaultKind, reason, remedy string, now time.Time) {
	f := &Fault{Kind: kind, Reason: reason, Remedy: remedy, Step: m.Step, Since: now, Count: 1}
	if m.Fault != nil && m.Fault.Kind == kind {
		f.Since, f.Count = m.Fault.Since, m.Fault.Count+1
	}
	m.Fault = f
}

// Hold is a person's (or a rule's) "hands off". It is a flag beside the state, never a state.
type Hold struct {
	Reason string    `json:"reason"`
	Actor  string    `json:"actor"`
	Since  time.Time `json:"since"`
}
