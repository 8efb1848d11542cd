package bmc

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	gofishredfish "github.com/stmcginnis/gofish/redfish"
)

// console implements consoler. Redfish itself has no stream: it says by which other protocol the console is reached
// (DMTF schemas ComputerSystem and Manager, SerialConsole), with the same account.
func (p *redfish) console(ctx context.Context, t Target, take bool, o Options) (Console, error) {
	r, err := p.open(ctx, t)
	if err != nil {
		return nil, err
	}
	offer, err := r.(*redfishReader).consoles()
	r.close(ctx)
	if err != nil {
		return nil, redfishError(ctx, err)
	}
	host, _, err := address(t.Address, "443")
	if err != nil {
		return nil, err
	}
	switch {
	case offer.ipmi != 0:
		t.Address = net.JoinHostPort(host, strconv.Itoa(offer.ipmi))
		return p.ipmi.console(ctx, t, take, o)
	case offer.ssh != 0:
		return sshConsole(ctx, net.JoinHostPort(host, strconv.Itoa(offer.ssh)), t, offer.enter)
	case len(offer.rest) > 0:
		return nil, fmt.Errorf("%w: over Redfish it offers its server's console by %s only, which we do not speak", ErrUnsupported, strings.Join(offer.rest, " and "))
	}
	return nil, fmt.Errorf("%w: over Redfish it offers no serial console; switch on serial over LAN or SSH in the BMC, or use ipmi as its protocol", ErrUnsupported)
}

// offers are the ways to a console that a controller names and that are switched on.
type offers struct {
	ipmi, ssh int      // ports; 0: not offered
	enter     string   // what leads from the controller's own command line to the console by SSH
	rest      []string // what we do not speak
}

// consoles reads what the system offers and, when it says nothing, its first manager.
func (r *redfishReader) consoles() (offers, error) {
	s, err := r.system()
	if err != nil {
		return offers{}, err
	}
	o := offersOf(s.SerialConsole)
	if o.ipmi != 0 || o.ssh != 0 || len(o.rest) > 0 {
		return o, nil
	}
	m := r.manager()
	if m == nil || !m.SerialConsole.ServiceEnabled {
		return o, nil // what the system says is enough
	}
	// Here there is neither a port nor how the console is entered by SSH.
	for _, kind := range m.SerialConsole.ConnectTypesSupported {
		if kind == gofishredfish.IPMISerialConnectTypesSupported {
			o.ipmi = 623
		} else if name := printable([]byte(kind)); name != "" && !slices.Contains(o.rest, name) && len(o.rest) < 5 {
			o.rest = append(o.rest, name)
		}
	}
	return o, nil
}

func offersOf(c gofishredfish.HostSerialConsole) (o offers) {
	if c.IPMI.ServiceEnabled {
		o.ipmi = port(c.IPMI.Port, 623)
	}
	if c.SSH.ServiceEnabled {
		if c.SSH.SharedWithManagerCLI && c.SSH.ConsoleEntryCommand == "" {
			o.rest = append(o.rest, "the BMC's own command line by SSH")
		} else {
			o.ssh, o.enter = port(c.SSH.Port, 22), c.SSH.ConsoleEntryCommand
		}
	}
	if c.Telnet.ServiceEnabled {
		o.rest = append(o.rest, "Telnet")
	}
	return o
}

func port(n, standard int) int {
	if n < 1 || n > 65535 {
		return standard
	}
	return n
}
