package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
)

// Fault is something that can be made to go wrong with a server.
type Fault string

// The faults.
const (
	BMCSilent Fault = "bmc-silent" // the BMC takes packets and never answers
	NoLink    Fault = "no-link"    // the server's cables are pulled
)

// Faults are all faults there are.
func Faults() []Fault { return []Fault{BMCSilent, NoLink} }

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
	if !slices.Contains(Faults(), fault) {
		return fmt.Errorf("fault %q: use one of %v", fault, Faults())
	}
	var err error
	switch {
	case fault == NoLink:
		state := map[bool]string{true: "down", false: "up"}[happens]
		for i := range v.machine.Server.NICs {
			if err = ip(ctx, "link", "set", tapName(name, i), state); err != nil {
				break
			}
		}
	case v.machine.Server.BMC.Protocol == Redfish:
		v.redfishFaults.Hang.Store(happens)
	default:
		err = v.stopSim(happens)
	}
	v.journal.add("cli", fmt.Sprintf("fault %s %v", fault, happens), v.on(), v.on(), err)
	return err
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
