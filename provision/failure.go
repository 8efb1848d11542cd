package provision

import (
	"errors"
	"fmt"
	"time"

	"socle/api"
	"socle/inventory"
)

// Failure is an error that a machine's fault is made of: what happened, and what a person can do.
type Failure struct {
	Kind   inventory.FaultKind
	Reason string
	Remedy string
	// Retry tells whether Socle tries again by itself until the deadline. A wrong password is never retried:
	// BMCs lock accounts.
	Retry bool
	// Dropped tells that a BMC took an order and did not keep it.
	Dropped bool
	Err     error
	// Step is where it happened; the engine fills it in.
	Step string
}

// Error implements error.
func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Reason
	}
	return fmt.Sprintf("%s: %v", f.Reason, f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// atStep notes in which step a Failure happened; other errors pass as they are.
func atStep(err error, name string) error {
	var f *Failure
	if !errors.As(err, &f) {
		return err
	}
	at := *f
	at.Step = name
	return &at
}

// backoff is how long to wait after the nth failure in a row: 5 s, doubling to 2 min.
func backoff(count int) time.Duration {
	d := 5 * time.Second << min(max(count-1, 0), 5)
	return min(d, 2*time.Minute)
}

// orderFaults says for every code that an agent can fail with which fault it is and what helps.
var orderFaults = map[string]struct {
	kind   inventory.FaultKind
	remedy string
}{
	api.CodeWrongMachine: {inventory.FaultRefused, "compare the serial number in the manifest with the one on the chassis; correct the manifest and import it again"},
	api.CodeWrongSession: {inventory.FaultRefused, "deploy again: the order was meant for another boot of this server"},
	api.CodeUsedOrder:    {inventory.FaultRefused, "deploy again: an order is never carried out twice"},
	api.CodeUnknownKind:  {inventory.FaultRefused, "rebuild the ramdisk (socle image build ramdisk): its agent is older than the server"},
	api.CodeBadParams:    {inventory.FaultRefused, "rebuild the ramdisk (socle image build ramdisk): its agent does not understand the server"},
	api.CodeNoDisk:       {inventory.FaultNoDisk, "the disk that was seen at inspection is gone: check it, then inspect again"},
	api.CodeDiskBusy:     {inventory.FaultRefused, "the disk is in use inside the ramdisk: reboot the server into the ramdisk and deploy again"},
	api.CodeTooSmall:     {inventory.FaultImageTooBig, "use a smaller image, or a role that asks for a larger system disk"},
	api.CodeReadOnly:     {inventory.FaultNoDisk, "the disk is write-protected: check its settings or replace it"},
	api.CodeNoImage:      {inventory.FaultImageMissing, "build or import the image (socle image list shows what is there), then deploy again"},
	api.CodeCorrupt:      {inventory.FaultImageCorrupt, "check the disk and the memory of the server and verify the image store, then deploy again; the half-written image does not boot"},
	api.CodeDiskError:    {inventory.FaultAgent, "the disk failed at reading or writing: see its SMART values, replace it, inspect again"},
	api.CodeFirmware:     {inventory.FaultAgent, "the firmware would not store its boot entry: update it, or clear its variables, then deploy again"},
	api.CodeNoBMC:        {inventory.FaultBMC, "the server has no BMC that can be reached from inside (IPMI over KCS or SSIF), or its firmware has switched it off: enable it, or set the BMC's password by hand"},
	api.CodeBMC:          {inventory.FaultBMC, "see the order's message; a reset of the BMC often helps, or free one of its accounts"},
	api.CodeInternal:     {inventory.FaultAgent, "see the server's console and the order's message, then deploy again"},
}

// orderFailure makes a Failure of an order that ended badly.
func orderFailure(o inventory.Order) *Failure {
	f, ok := orderFaults[o.Code]
	if !ok {
		f = orderFaults[api.CodeInternal]
	}
	verb := "failed"
	if o.State == inventory.OrderRefused {
		verb = "was refused by the agent"
	}
	return &Failure{Kind: f.kind, Reason: fmt.Sprintf("order %s %s: %s", o.Kind, verb, o.Message), Remedy: f.remedy}
}
