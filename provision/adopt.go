package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
)

// inBandPassword is how long the passwords are that the agent sets: those of 20 bytes came with IPMI 2.0, and some that
// speak it cut them (section 22.30).
const inBandPassword = 16

// Adopt brings a BMC under control. A login that works is left alone; one that is given is tried once and kept if it
// works. Otherwise the agent makes an account from inside the server: it is written down first, then made, then logged
// into over the network, and only then in force, like any other change of a login.
func (e *Engine) Adopt(ctx context.Context, actor, ref string, r api.AdoptRequest) (api.AdoptReply, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return api.AdoptReply{}, err
	}
	seen := inBand(&m)
	switch {
	case m.Held():
		return api.AdoptReply{}, held(&m)
	case e.Accounts == nil:
		return api.AdoptReply{}, problem(http.StatusNotImplemented, api.ErrInvalid, "this server does not change logins of BMCs")
	case (r.User == "") != (r.Password == ""):
		return api.AdoptReply{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "a user without a password, or a password without a user: give both or neither")
	case m.BMC.Rotation.Pending() && m.BMC.Rotation.InBand && r.User == "":
		return e.adoptInBand(ctx, actor, &m) // it goes on
	case m.BMC.Rotation.Pending():
		return api.AdoptReply{}, problem(http.StatusConflict, api.ErrConflict, "the login of %s is being changed: wait for it, or give it up with: socle bmc rotate --abort", m.Name)
	case !m.BMC.Known() && seen == "":
		return api.AdoptReply{}, problem(http.StatusConflict, api.ErrConflict, "no BMC of %s is known: name it in the manifest, or boot the server's ramdisk, which looks for it", m.Name)
	case !m.BMC.Known() && m.BMC.Address == "":
		m.BMC.Protocol, m.BMC.Address = inventory.IPMI, seen // what speaks IPMI inside speaks it outside
	}
	if r.User != "" {
		return e.adoptLogin(ctx, actor, &m, r)
	}
	works, err := e.loginWorks(ctx, actor, &m)
	if err != nil || works {
		return api.AdoptReply{Machine: m.Name, How: api.AdoptWorks, User: m.BMC.User}, err
	}
	return e.adoptInBand(ctx, actor, &m)
}

// inBand is the BMC's address as the agent saw it; empty when it saw none.
func inBand(m *inventory.Machine) string {
	if m.Facts == nil || m.Facts.BMC == nil {
		return ""
	}
	return m.Facts.BMC.Address
}

// loginWorks tries the login in force. Only a BMC that refuses it, or one whose login nobody knows, says no; one that
// does not answer is an error.
func (e *Engine) loginWorks(ctx context.Context, actor string, m *inventory.Machine) (bool, error) {
	_, pair, err := e.Store.Login(ctx, m.ID)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && pair.Current.Empty() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info, err := e.BMC.Probe(ctx, *m)
	var f *Failure
	if errors.As(err, &f) && f.Kind == inventory.FaultBMCAuth {
		return false, nil
	}
	if err == nil {
		err = sameServer(m, info)
	}
	if err != nil {
		return false, asProblem(err)
	}
	_, err = e.Store.Change(ctx, m.ID, actor, func(m *inventory.Machine) (inventory.Note, error) {
		return e.letIn(m, info, "the BMC's login works"), nil
	})
	return true, err
}

// letIn notes that a BMC let somebody in, which ends the fault that it did not.
func (e *Engine) letIn(m *inventory.Machine, info BMCInfo, why string) inventory.Note {
	info.keep(m, e.Now())
	if m.Fault != nil && m.Fault.Kind.OfBMC() {
		m.Fault = nil
	}
	return inventory.Note{Kind: "bmc", Reason: why}
}

// adoptLogin tries a login that a person gave, and keeps it.
func (e *Engine) adoptLogin(ctx context.Context, actor string, m *inventory.Machine, r api.AdoptRequest) (api.AdoptReply, error) {
	password := secret.New(r.Password)
	info, err := e.Accounts.TryLogin(ctx, *m, r.User, password)
	if err == nil {
		err = sameServer(m, info)
	}
	if err != nil {
		return api.AdoptReply{}, asProblem(err)
	}
	at := m.BMC
	changed, err := e.Store.ChangeLogin(ctx, m.ID, actor, func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
		if m.BMC.Rotation != nil {
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "the login of %s is being changed by now", m.Name)
		}
		m.BMC.Protocol, m.BMC.Address = at.Protocol, at.Address
		m.BMC.User, m.BMC.Origin = r.User, inventory.FromPerson
		p.Current, p.Other = password, secret.Secret{}
		return e.letIn(m, info, "the BMC lets account "+r.User+" in, which is used from now on"), nil
	})
	return api.AdoptReply{Machine: changed.Name, How: api.AdoptTaken, User: r.User}, err
}

// adoptInBand writes down the account that the agent is to make, or has one that stopped go on.
func (e *Engine) adoptInBand(ctx context.Context, actor string, m *inventory.Machine) (api.AdoptReply, error) {
	password, err := newPassword(0, inBandPassword)
	if err != nil {
		return api.AdoptReply{}, err
	}
	at := m.BMC
	changed, err := e.Store.ChangeLogin(ctx, m.ID, actor, func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
		switch r := m.BMC.Rotation; {
		case r != nil && (!r.Pending() || !r.InBand):
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "the login of %s is being changed by now", m.Name)
		case r != nil && r.Stopped.IsZero():
			return inventory.Note{Kind: "bmc", Reason: "the agent is still to make account " + r.User}, nil
		}
		// Anew also when one stopped: nobody knows what became of it, and the same account can be made again.
		m.BMC.Protocol, m.BMC.Address = at.Protocol, at.Address
		p.Other = password
		m.BMC.Rotation = &inventory.Rotation{User: nextAccount(m), Began: e.Now(), InBand: true}
		return inventory.Note{Kind: "bmc", Reason: "no login of the BMC is known that works: the agent is to make account " + m.BMC.Rotation.User}, nil
	})
	if err != nil {
		return api.AdoptReply{}, err
	}
	return api.AdoptReply{Machine: changed.Name, How: api.AdoptInBand, User: changed.BMC.Rotation.User}, e.queueRotation(ctx, m.ID)
}

// nextAccount is the one of the two accounts that is not in use.
func nextAccount(m *inventory.Machine) string {
	if m.BMC.User == accountA {
		return accountB
	}
	return accountA
}

// makeInBand has the agent make the account, as soon as one speaks, and writes down that it is made.
func (e *Engine) makeInBand(ctx context.Context, m *inventory.Machine, r inventory.Rotation) (again time.Duration, err error) {
	s, err := e.agent(ctx, m)
	if errors.Is(err, inventory.ErrNotFound) {
		return inBandPause, nil
	}
	if err != nil {
		return 0, err
	}
	o, done, err := e.order(ctx, m, s, work{kind: api.OrderBMCAccount, since: r.Began, params: func() (any, error) {
		_, pair, err := e.Store.Login(ctx, m.ID)
		return api.BMCAccount{User: r.User, Password: pair.Other.Reveal()}, err
	}})
	if err != nil || !done.done {
		return done.after, err
	}
	var made api.BMCAccountResult
	if err := json.Unmarshal(o.Result, &made); err != nil {
		return 0, &Failure{Kind: inventory.FaultAgent, Reason: fmt.Sprintf("the agent's answer to order %s cannot be read: %v", o.Kind, err), Remedy: "rebuild the ramdisk (socle image build ramdisk), then adopt it again"}
	}
	if err := sameAddress(m, made.Address); err != nil {
		return 0, err
	}
	return 0, e.changeLogin(ctx, m, r, func(m *inventory.Machine, _ *secret.Pair) inventory.Note {
		m.BMC.Rotation.Made, m.BMC.Rotation.Problem = e.Now(), ""
		if mac := inventory.NormalizeMAC(made.MAC); mac != "" && m.BMC.MAC == "" {
			m.BMC.MAC = mac
		}
		return inventory.Note{Kind: "bmc", Reason: fmt.Sprintf("the agent made account %s (number %d, channel %d)", r.User, made.ID, made.Channel)}
	})
}

// inBandPause is between two looks whether the server runs the ramdisk.
const inBandPause = 5 * time.Second

// sameAddress refuses to look for the account at another BMC than the one it was made on. Names and addresses that the
// BMC itself does not have are left to the login, which works nowhere else.
func sameAddress(m *inventory.Machine, own string) error {
	host := m.BMC.Address
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	wanted, werr := netip.ParseAddr(host)
	has, herr := netip.ParseAddr(own)
	if werr != nil || herr != nil || wanted.Is4() != has.Is4() || wanted == has {
		return nil
	}
	return &Failure{Kind: inventory.FaultIdentity, Reason: fmt.Sprintf("the BMC inside the server has the address %s, the manifest says %s", has, wanted),
		Remedy: "correct bmc_address in the manifest and import it, or give the BMC its address, then: socle bmc adopt " + m.Name}
}
