package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"socle/lab/redfish"
)

// Fault is something that can be made to go wrong with a server.
type Fault string

// The faults.
const (
	BMCSilent Fault = "bmc-silent" // the BMC takes packets and never answers
	NoLink    Fault = "no-link"    // the server's cables are pulled
)

// Faults begin with these words when more follows.
const (
	bmcFault  = "bmc:"  // of a Redfish BMC, as redfish.ParseFault reads it
	partFault = "part:" // a component of a server with a Redfish BMC, such as PSU1 or Fan2, has failed
)

// Faults are all faults there are; those for Redfish BMCs, "bmc:KIND,…" and "part:COMPONENT", are left out.
func Faults() []Fault { return []Fault{BMCSilent, NoLink} }

// CheckFault refuses what is no fault.
func CheckFault(fault Fault) error {
	if text, ok := strings.CutPrefix(string(fault), bmcFault); ok {
		_, err := redfish.ParseFault(text)
		return err
	}
	if strings.HasPrefix(string(fault), partFault) || slices.Contains(Faults(), fault) {
		return nil
	}
	return fmt.Errorf("fault %q: use one of %v, %sKIND, %sCOMPONENT", fault, Faults(), bmcFault, partFault)
}

// SetFault makes a fault of a server happen, or ends it. Faults end with the rack, too.
func SetFault(ctx context.Context, lab, server string, fault Fault, happens bool) error {
	how := "off"
	if happens {
		how = "on"
	}
	_, err := ask(ctx, lab, request{Op: "fault", Server: server, Args: []string{string(fault), how}})
	return err
}

func (v *vm) setFault(ctx context.Context, fault Fault, happens bool) error {
	name := v.machine.Server.Name
	if err := CheckFault(fault); err != nil {
		return err
	}
	var err error
	switch {
	case fault != NoLink && fault != BMCSilent:
		err = v.setBMCFault(string(fault), happens)
	case fault == NoLink:
		state := map[bool]string{true: "down", false: "up"}[happens]
		for i := range v.machine.Server.NICs {
			if err = ip(ctx, "link", "set", tapName(name, i), state); err != nil {
				break
			}
		}
	case v.machine.Server.BMC.Protocol == Redfish:
		err = v.setBMCFault(bmcFault+string(redfish.Hang), happens)
	default:
		err = v.stopSim(happens)
	}
	v.journal.add("cli", fmt.Sprintf("fault %s %v", fault, happens), v.on(), v.on(), err)
	return err
}

// setBMCFault is setFault for what only the Redfish emulator can do. The end of a fault is the end of its kind.
func (v *vm) setBMCFault(fault string, happens bool) error {
	if v.redfish == nil {
		return fmt.Errorf("fault %q: the BMC of %s does not speak Redfish", fault, v.machine.Server.Name)
	}
	if part, ok := strings.CutPrefix(fault, partFault); ok {
		return v.redfish.SetHealth(part, map[bool]string{true: redfish.Critical, false: redfish.OK}[happens])
	}
	f, err := redfish.ParseFault(strings.TrimPrefix(fault, bmcFault))
	if err != nil {
		return err
	}
	v.redfish.Faults().Remove(f.Kind)
	if happens {
		v.redfish.Faults().Add(f)
	}
	return nil
}

// stopSim holds ipmi_sim, or lets it go on.
func (v *vm) stopSim(happens bool) error {
	p, err := readPIDFile(filepath.Join(v.machine.RunDir, v.machine.Server.Name+".bmc.pid"))
	if err != nil {
		return fmt.Errorf("finding ipmi_sim: %w", err)
	}
	if happens {
		return syscall.Kill(p.PID, syscall.SIGSTOP)
	}
	return syscall.Kill(p.PID, syscall.SIGCONT)
}
