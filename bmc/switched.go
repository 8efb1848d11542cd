package bmc

import (
	"context"
	"fmt"

	"socle/inventory"
)

// switched is the session of a server without a BMC, whose power is switched by something else.
type switched struct {
	reader // none: what is not here, powerOnly refuses before there is a session
	info   Info
	// any tells whether the server has power, and every whether it has all that it can have: a server with two
	// supplies is on when one of them is fed, and has been switched on when both are.
	any, every func(ctx context.Context) (inventory.Power, error)
	end        func()
}

func (s *switched) power(ctx context.Context) (inventory.Power, error) { return s.any(ctx) }

func (s *switched) probe(ctx context.Context) (Info, error) {
	_, err := s.any(ctx)
	return s.info, err
}

func (s *switched) nmi(context.Context) error { return unswitchable("interrupt its processors") }

func (s *switched) close(context.Context) { s.end() }

// powered reads the power as an action wants it: see switched.
func (a Action) powered() func(reader, context.Context) (inventory.Power, error) {
	return func(r reader, ctx context.Context) (inventory.Power, error) {
		if s, ok := r.(*switched); ok && a == On {
			return s.every(ctx)
		}
		return r.power(ctx)
	}
}

// unswitchable says what a server without a BMC cannot do.
func unswitchable(what string) error {
	return fmt.Errorf("%w: the server has no BMC that could %s; its power can be switched on, off and off-and-on, and read", ErrUnsupported, what)
}

// powerOnly refuses what a server without a BMC cannot do: all calls but those to its power.
type powerOnly struct{}

func (powerOnly) call(ctx context.Context, t Target, o op, next step) (any, error) {
	if t.Protocol.PowerOnly() && !o.power {
		return nil, unswitchable("do this")
	}
	return next(ctx)
}

// switchable says which actions on the power there are without a BMC.
func switchable(a Action) error {
	switch a {
	case On, Off:
		return nil
	case Reset:
		return unswitchable("reset it with the power on (use cycle)")
	case Soft:
		return unswitchable("ask its operating system to shut down (do that by the system itself)")
	}
	return unswitchable("do this")
}

// means is by what a server's power is changed, in words.
func (t Target) means() string {
	switch t.Protocol {
	case inventory.PDU:
		return "PDU"
	case inventory.Webhook:
		return "webhook"
	}
	return "BMC"
}
