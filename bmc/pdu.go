package bmc

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gosnmp/gosnmp"

	"socle/inventory"
)

// pdu switches servers by the outlets that feed them, over SNMP.
type pdu struct{ kinds []outletKind }

// strip is a PDU with the outlets of one server.
type strip struct {
	*agent
	kind    outletKind
	outlets []string // as they are called
	indexes []string
}

// open finds out what kind of PDU it is and where the outlets are.
func (p *pdu) open(ctx context.Context, t Target) (reader, error) {
	s, err := p.find(ctx, t)
	if err != nil {
		return nil, err
	}
	return &switched{
		info: Info{Protocol: inventory.PDU},
		any:  func(context.Context) (inventory.Power, error) { return s.power(inventory.PowerOn) },
		// Not all is on as long as one is off.
		every: func(context.Context) (inventory.Power, error) { return s.power(inventory.PowerOff) },
		end:   s.close,
	}, nil
}

func (p *pdu) setBoot(context.Context, Target, Override) error {
	return unswitchable("choose what it boots")
}

// setPower switches the outlets that are not so yet.
func (p *pdu) setPower(ctx context.Context, t Target, a Action) error {
	if err := switchable(a); err != nil {
		return err
	}
	s, err := p.find(ctx, t)
	if err != nil {
		return err
	}
	defer s.close()
	command, want := s.kind.Off, inventory.PowerOff
	if a == On {
		command, want = s.kind.On, inventory.PowerOn
	}
	states, err := s.states()
	if err != nil {
		return err
	}
	for i, state := range states { // one by one: many agents take no two commands in one packet
		if state == want {
			continue
		}
		err := s.set(gosnmp.SnmpPDU{Name: command.At + "." + s.indexes[i], Type: gosnmp.Integer, Value: command.Value})
		if err != nil {
			return fmt.Errorf("outlet %s: %w", s.outlets[i], err)
		}
	}
	return nil
}

const sysObjectID = "1.3.6.1.2.1.1.2.0" // RFC 3418

func (p *pdu) find(ctx context.Context, t Target) (_ *strip, err error) {
	if len(t.Outlets) == 0 {
		return nil, fmt.Errorf("%w: it is not said which outlets feed the server: name them in the manifest (bmc_outlets)", ErrUnsupported)
	}
	a, err := dialSNMP(ctx, t)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	system, err := a.get(sysObjectID)
	if err != nil {
		return nil, err
	}
	what, _ := system[0].Value.(string)
	kinds := kindsOf(p.kinds, strings.TrimPrefix(what, "."))
	if len(kinds) == 0 {
		return nil, fmt.Errorf("%w: it says it is %q (sysObjectID), and no PDU of that kind is in the table (outlets.json)", ErrUnsupported, strings.TrimPrefix(what, "."))
	}
	for _, k := range kinds {
		s := &strip{agent: a, kind: k, outlets: t.Outlets}
		if len(kinds) > 1 {
			next, below, err := s.next(k.State, k.State)
			if err != nil {
				return nil, err
			}
			if next.Value == nil || !below {
				continue
			}
		}
		return s, s.locate()
	}
	return nil, fmt.Errorf("%w: it says it is %q (sysObjectID), and it has none of the outlets that PDUs of this vendor have", ErrUnsupported, strings.TrimPrefix(what, "."))
}

// locate finds the indexes of the outlets.
func (s *strip) locate() error {
	var names map[string]string
	for _, o := range s.outlets {
		index := s.kind.index(o)
		if !outletNumber.MatchString(o) {
			var err error
			if names == nil {
				if names, err = s.names(); err != nil {
					return err
				}
			}
			var known bool
			if index, known = names[o]; !known {
				return fmt.Errorf("%w: the PDU (%s) has no outlet with the name %q; it has %d with a name", ErrUnsupported, s.kind.Name, o, len(names))
			}
			if index == "" {
				return fmt.Errorf("%w: %q is the name of several outlets of the PDU (%s): use its number", ErrUnsupported, o, s.kind.Name)
			}
		}
		s.indexes = append(s.indexes, index)
	}
	return nil
}

// next reads what follows an object, and tells whether it is still in a column.
func (s *strip) next(at, column string) (v gosnmp.SnmpPDU, below bool, err error) {
	p, err := s.GetNext([]string{at})
	if err != nil {
		return v, false, s.failed(err)
	}
	if p.Error != gosnmp.NoError || len(p.Variables) != 1 {
		return v, false, nil
	}
	v = p.Variables[0]
	v.Name = strings.TrimPrefix(v.Name, ".")
	return v, strings.HasPrefix(v.Name, column+".") && v.Name != at && v.Type != gosnmp.EndOfMibView, nil
}

// names are the indexes of the outlets by their names; empty for a name that several have.
func (s *strip) names() (map[string]string, error) {
	all := map[string]string{}
	for seen, at := 0, s.kind.Names; seen < maxOutlets; seen++ {
		v, below, err := s.next(at, s.kind.Names)
		if err != nil || !below {
			return all, err
		}
		at = v.Name
		text, _ := v.Value.([]byte)
		name := strings.TrimSpace(string(text))
		if name == "" {
			continue
		}
		index := strings.TrimPrefix(v.Name, s.kind.Names+".")
		if _, twice := all[name]; twice {
			index = ""
		}
		all[name] = index
	}
	return all, nil
}

// states reads what each outlet is.
func (s *strip) states() ([]inventory.Power, error) {
	all := make([]inventory.Power, 0, len(s.indexes))
	for i, index := range s.indexes {
		v, err := s.get(s.kind.State + "." + index)
		if err != nil {
			return nil, err
		}
		if v[0].Value == nil {
			return nil, fmt.Errorf("%w: the PDU (%s) has no outlet %s that can be switched", ErrUnsupported, s.kind.Name, s.outlets[i])
		}
		n, ok := v[0].Value.(int)
		power, known := s.kind.States[strconv.Itoa(n)]
		if !ok || !known {
			return nil, fmt.Errorf("outlet %s is neither on nor off: the PDU (%s) says %v", s.outlets[i], s.kind.Name, v[0].Value)
		}
		all = append(all, power)
	}
	return all, nil
}

// power is p if any outlet is, else the other.
func (s *strip) power(p inventory.Power) (inventory.Power, error) {
	all, err := s.states()
	if err != nil {
		return inventory.PowerUnknown, err
	}
	for _, one := range all {
		if one == p {
			return p, nil
		}
	}
	return all[0], nil
}
