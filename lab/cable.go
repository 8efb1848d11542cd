package lab

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"socle/lab/redfish"
)

// Cable is what is plugged into one network port of a server.
type Cable struct {
	Server     string `json:"server"`
	Port       int    `json:"port"` // of the server, from 1; BMCPort is the controller's own
	MAC        string `json:"mac"`
	Switch     string `json:"switch,omitempty"` // system name; empty: a switch that says nothing of itself
	SwitchPort string `json:"switch_port,omitempty"`
	Unplugged  bool   `json:"unplugged,omitempty"`
}

// BMCPort is the number of the controller's own port.
const BMCPort = 0

// PortName is how the port is called: its number, or "BMC".
func (c Cable) PortName() string {
	if c.Port == BMCPort {
		return "BMC"
	}
	return strconv.Itoa(c.Port)
}

// unplug stands for the switch where a cable is pulled out, in a request.
const unplug = "-"

// MoveCable plugs the cable of a server's network port, counted from 1, into a port of a switch; without a switch it is pulled out. The
// rack forgets it when it goes down.
func MoveCable(ctx context.Context, lab string, c Cable) error {
	to := []string{strconv.Itoa(c.Port), c.Switch, c.SwitchPort}
	if c.Unplugged {
		to = []string{strconv.Itoa(c.Port), unplug, ""}
	}
	_, err := ask(ctx, lab, request{Op: "cable", Server: c.Server, Args: to})
	return err
}

// cables are where the plugs of a rack are.
type cables struct {
	mu  sync.Mutex
	all []Cable
}

func newCables(servers []Server) *cables {
	var c cables
	for _, s := range servers {
		for i, n := range s.NICs {
			c.all = append(c.all, Cable{Server: s.Name, Port: i + 1, MAC: n.MAC, Switch: n.Switch, SwitchPort: n.Port})
		}
		if s.BMC.Switch != "" {
			c.all = append(c.all, Cable{Server: s.Name, Port: BMCPort, MAC: s.BMC.MAC, Switch: s.BMC.Switch, SwitchPort: s.BMC.Port})
		}
	}
	return &c
}

// list is a copy of them.
func (c *cables) list() []Cable {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// move puts a plug somewhere else, and returns how it was and how it is.
func (c *cables) move(server string, args []string) (was, is Cable, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ports []string
	i := slices.IndexFunc(c.all, func(x Cable) bool {
		if x.Server == server {
			ports = append(ports, x.PortName())
		}
		return x.Server == server && strconv.Itoa(x.Port) == args[0]
	})
	if i < 0 {
		return was, is, fmt.Errorf("%s has no port %q: use one of %s", server, args[0], strings.Join(ports, ", "))
	}
	was = c.all[i]
	is = was
	is.Switch, is.SwitchPort, is.Unplugged = args[1], args[2], false
	switch {
	case args[1] == unplug && is.Port == BMCPort:
		return was, is, fmt.Errorf("the cable of the BMC of %s can be moved, not pulled out; socle lab fault %s bmc-silent on makes the BMC silent", server, server)
	case args[1] == unplug:
		is.Switch, is.SwitchPort, is.Unplugged = "", "", true
	case args[1] == "" || args[2] == "":
		return was, is, fmt.Errorf("switch %q, port %q: both need a name", args[1], args[2])
	}
	for _, x := range c.all {
		if x != was && !is.Unplugged && x.Switch == is.Switch && x.SwitchPort == is.SwitchPort {
			return was, is, fmt.Errorf("%s of %s has the cable of %s port %s in it: pull that out first", is.SwitchPort, is.Switch, x.Server, x.PortName())
		}
	}
	c.all[i] = is
	return was, is, nil
}

// plugTime is how long a plug takes from one port to another: the server sees its link go.
const plugTime = time.Second

// moveCable moves the plug of one port of a server.
func (s *supervisor) moveCable(ctx context.Context, v *vm, args []string) error {
	was, is, err := s.cables.move(v.machine.Server.Name, args)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("port %s to %s %s", is.PortName(), is.Switch, is.SwitchPort)
	if is.Unplugged {
		name = fmt.Sprintf("port %d unplugged", is.Port)
	}
	if is.Port == BMCPort {
		v.redfish.Plug(neighbor(is))
		v.journal.add("cli", name, v.on(), v.on(), nil)
		return nil
	}
	if !was.Unplugged {
		err = v.plug(ctx, is.Port, false)
		if err == nil && !is.Unplugged {
			err = pause(ctx, plugTime)
		}
	}
	if err == nil && !is.Unplugged {
		err = v.plug(ctx, is.Port, true)
	}
	v.journal.add("cli", name, v.on(), v.on(), err)
	return err
}

// neighbor is what a controller hears whose cable this is.
func neighbor(c Cable) *redfish.Neighbor {
	return &redfish.Neighbor{Chassis: MAC(c.Switch, 0), Port: c.SwitchPort, System: c.Switch}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// plug makes the link of a port come or go, now and whenever the server is switched on.
func (v *vm) plug(ctx context.Context, port int, in bool) error {
	v.mu.Lock()
	if v.pulled == nil {
		v.pulled = map[int]bool{}
	}
	v.pulled[port] = !in
	r := v.run
	v.mu.Unlock()
	if r == nil {
		return nil
	}
	q, err := r.control(ctx)
	if err != nil {
		return err
	}
	return q.setLink(ctx, port, in)
}

// pullOut takes the link from the ports that have no cable in them, of a server that was switched on.
func (v *vm) pullOut(ctx context.Context, q *qmp) {
	v.mu.Lock()
	var ports []int
	for port, out := range v.pulled {
		if out {
			ports = append(ports, port)
		}
	}
	v.mu.Unlock()
	for _, port := range ports {
		if err := q.setLink(ctx, port, false); err != nil {
			v.log.Error("pulling out a cable", "port", port, "error", err)
		}
	}
}

// setLink is QMP's set_link on the card of a port, counted from 1.
func (q *qmp) setLink(ctx context.Context, port int, up bool) error {
	_, err := q.do(ctx, "set_link", map[string]any{"name": nicID(port - 1), "up": up})
	return err
}
