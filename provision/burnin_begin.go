package provision

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// Test reads the hardware of a machine again and then runs the tests of its model's plan, or of the one that is named. Disks are
// written to only when they are named, with the machine's serial number.
func (e *Engine) Test(ctx context.Context, actor, ref string, r api.TestRequest) (inventory.Machine, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return m, err
	}
	if err := e.choose(&m, r.Plan); err != nil {
		return m, err
	}
	plan, ok := inventory.BurnInFor(e.BurnIn, &m)
	if !ok && (m.Facts != nil || len(e.BurnIn) == 0) {
		return m, problem(http.StatusConflict, api.ErrConflict, "no plan of burnin in the configuration applies to %s", m.Name)
	}
	intent := inventory.Intent{Plan: r.Plan}
	if len(r.WriteDisks) > 0 {
		intent.Disks, intent.Serial = r.WriteDisks, m.Serial()
		if err := writable(&m, plan, r); err != nil {
			return m, err
		}
	}
	return e.inspect(ctx, actor, m.ID, api.InspectRequest{Media: m.ByMedium()}, intent)
}

// writable tells why disks of a machine may not be written to.
func writable(m *inventory.Machine, plan inventory.BurnInPlan, r api.TestRequest) error {
	switch {
	case r.Serial == "" || !strings.EqualFold(r.Serial, m.Serial()):
		return problem(http.StatusConflict, api.ErrSerial, "serial %q was confirmed, %s has %q: nothing was done", r.Serial, m.Name, m.Serial())
	case m.Facts == nil:
		return problem(http.StatusConflict, api.ErrConflict, "the disks of %s are not known yet: inspect it first", m.Name)
	case !slices.Contains(plan.Tests, api.TestDisk):
		return problem(http.StatusConflict, api.ErrConflict, "the plan of %s has no test %s, by which its disks would be written to", m.Name, api.TestDisk)
	}
	for i, serial := range r.WriteDisks {
		if err := hasDisk(m, serial); err != nil {
			return problem(http.StatusConflict, api.ErrSerial, "%v: nothing was done", err)
		}
		if slices.Contains(r.WriteDisks[:i], serial) {
			return problem(http.StatusUnprocessableEntity, api.ErrInvalid, "disk %q is named twice", serial)
		}
	}
	return nil
}

// hasDisk wants a machine to have one disk with a serial number, which can be written to.
func hasDisk(m *inventory.Machine, serial string) error {
	fit, all := 0, []string{}
	var disks []hardware.Disk
	if m.Facts != nil {
		disks = m.Facts.Disks
	}
	for _, d := range disks {
		if !d.Writable() {
			continue
		}
		all = append(all, d.Serial)
		if strings.TrimSpace(serial) != "" && d.Serial == serial {
			fit++
		}
	}
	switch fit {
	case 0:
		return fmt.Errorf("%s has no disk %q that can be written to, but %q", m.Name, serial, all)
	case 1:
		return nil
	}
	return fmt.Errorf("%d disks of %s say that they are %q: which one is meant cannot be known", fit, m.Name, serial)
}

// confirmed wants the machine and its disks to be, now that they were looked at anew, those that a person confirmed.
func confirmed(m *inventory.Machine) error {
	if len(m.Intent.Disks) == 0 {
		return nil
	}
	remedy := "see which server and which disks are meant, then begin the tests again with their serial numbers"
	if m.Serial() == "" || m.Intent.Serial != m.Serial() {
		return &Failure{Kind: inventory.FaultIdentity, Remedy: remedy,
			Reason: fmt.Sprintf("writing to disks was confirmed for serial %q, the machine's is %q: nothing was written", m.Intent.Serial, m.Serial())}
	}
	for _, serial := range m.Intent.Disks {
		if err := hasDisk(m, serial); err != nil {
			return &Failure{Kind: inventory.FaultIdentity, Reason: "writing was confirmed for disks that it does not have: " + err.Error() + "; nothing was written", Remedy: remedy}
		}
	}
	return nil
}

// choose makes a plan that of a machine's next tests.
func (e *Engine) choose(m *inventory.Machine, plan string) error {
	m.Intent.Plan = plan
	if plan == "" {
		return nil
	}
	names := []string{}
	for _, p := range inventory.BurnInChoices(e.BurnIn, m) {
		if p.Name == plan {
			return nil
		}
		names = append(names, p.Name)
	}
	return problem(http.StatusUnprocessableEntity, api.ErrInvalid, "no plan of burnin %q is for %s: there are %q", plan, m.Name, names)
}
