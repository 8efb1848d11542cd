package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"socle/api"
	"socle/inventory"
)

// sessionTTL bounds an agent's token; a session that lasts longer is a machine that was forgotten.
const sessionTTL = 30 * 24 * time.Hour

// problem is an answer that the wire carries as it is.
func problem(status int, code, format string, args ...any) error {
	return &api.Problem{Status: status, Title: http.StatusText(status), Code: code, Detail: fmt.Sprintf(format, args...)}
}

// OpenSession lets an agent in that proves, by its single-use boot token, which boot it is. The same boot may
// ask again when the answer was lost; anybody else with the token is refused.
func (e *Engine) OpenSession(ctx context.Context, r api.SessionRequest, remote netip.Addr) (_ api.SessionReply, err error) {
	var machine string // ID, once the token told it
	defer func() { e.sawSession(machine, r, remote, err) }()
	if r.BootID == "" || r.Token == "" {
		return api.SessionReply{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "token and boot_id are needed")
	}
	token, mac, err := e.bootToken(ctx, r)
	machine = token.Machine
	if err != nil {
		return api.SessionReply{}, err
	}
	seen := inventory.Identity{Serial: r.Serial, UUID: r.UUID, AssetTag: r.AssetTag, BMCMAC: r.BMCMAC, NICMACs: r.NICMACs}.Normalize()
	m, err := e.Store.Machine(ctx, token.Machine)
	if err != nil {
		return api.SessionReply{}, err
	}
	if m.Serial() != "" && seen.Serial != "" && !strings.EqualFold(m.Serial(), seen.Serial) {
		e.note(ctx, m, "identity", fmt.Sprintf("an agent with serial %q came with the boot token of serial %q and was refused", seen.Serial, m.Serial()))
		return api.SessionReply{}, problem(http.StatusForbidden, api.ErrSerial, "this server's serial is %q, the boot was meant for %q", seen.Serial, m.Serial())
	}
	if token.Kind == inventory.TokenMedium {
		if err := mediumFits(&m, seen); err != nil {
			return api.SessionReply{}, err
		}
	} else if mac != "" && len(seen.NICMACs) > 0 && !slices.Contains(seen.NICMACs, mac) {
		e.note(ctx, m, "identity", fmt.Sprintf("its boot script was asked for by %s, and the agent sees no such network card", mac))
	}
	s, err := e.session(ctx, m, r.BootID)
	if err != nil {
		return api.SessionReply{}, err
	}
	m, err = e.Store.Change(ctx, m.ID, inventory.ActorAgent, func(m *inventory.Machine) (inventory.Note, error) {
		m.Identity = m.Identity.Merge(seen)
		m.SeenAt, m.Address = e.Now(), remote
		m.Power, m.PowerAt = inventory.PowerOn, e.Now()
		return inventory.Note{Kind: "agent", Reason: fmt.Sprintf("agent %s speaks from %s", r.Version, remote)}, nil
	})
	if err != nil {
		return api.SessionReply{}, err
	}
	if err := e.Store.ForgetTries(ctx, m.Identity.NICMACs, true); err != nil {
		return api.SessionReply{}, err
	}
	if r := m.BMC.Rotation; r.Pending() && r.InBand {
		if err := e.queueRotation(ctx, m.ID); err != nil { // it waits for this agent
			return api.SessionReply{}, err
		}
	}
	bearer, err := e.Store.NewToken(ctx, inventory.TokenSpec{Kind: inventory.TokenSession, Machine: m.ID, Subject: s.ID, TTL: sessionTTL})
	if err != nil {
		return api.SessionReply{}, err
	}
	return api.SessionReply{Session: s.ID, Token: bearer.Reveal(), Machine: m.Name, Place: place(m.Place), Message: greeting(&m)}, nil
}

// bootToken is the token that a boot brings: of a boot script, used once, or of a medium; mac is the one that
// asked for the script.
func (e *Engine) bootToken(ctx context.Context, r api.SessionRequest) (token inventory.Token, mac string, err error) {
	if isMedium(r.Token) {
		token, err = e.checkMedium(ctx, r.Token)
		return token, "", err
	}
	token, mac, err = e.useBootToken(ctx, r.Token, r.BootID)
	if errors.Is(err, inventory.ErrNoToken) || errors.Is(err, inventory.ErrTokenUsed) {
		return token, "", problem(http.StatusUnauthorized, api.ErrUnauthorized, "boot token: %v; boot this server from the network again", err)
	}
	return token, mac, err
}

// session is the one of this boot: the live one when the answer was lost, else a new one.
func (e *Engine) session(ctx context.Context, m inventory.Machine, bootID string) (inventory.Session, error) {
	live, err := e.Store.LiveSession(ctx, m.ID)
	if err == nil && live.BootID == bootID {
		return live, nil
	}
	if err != nil && !errors.Is(err, inventory.ErrNotFound) {
		return inventory.Session{}, err
	}
	now := e.Now()
	s := inventory.Session{ID: uuid.NewString(), Machine: m.ID, BootID: bootID, StartedAt: now, SeenAt: now}
	return s, e.Store.StartSession(ctx, s)
}

func place(p inventory.Place) string {
	if p.Rack == "" {
		return ""
	}
	return fmt.Sprintf("rack %s U%d", p.Rack, p.U)
}

func greeting(m *inventory.Machine) string {
	if m.Held() {
		return "on hold: " + m.Hold.Reason
	}
	return string(m.State)
}

// Session finds the session of an agent's bearer token.
func (e *Engine) Session(ctx context.Context, bearer string) (inventory.Session, error) {
	token, err := e.Store.Token(ctx, inventory.TokenSession, bearer)
	if errors.Is(err, inventory.ErrNoToken) {
		return inventory.Session{}, problem(http.StatusUnauthorized, api.ErrUnauthorized, "unknown session token")
	}
	if err != nil {
		return inventory.Session{}, err
	}
	s, err := e.Store.Session(ctx, token.Subject)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && !s.EndedAt.IsZero() {
		return inventory.Session{}, problem(http.StatusUnauthorized, api.ErrUnauthorized, "this session has ended")
	}
	return s, err
}

// touch notes that the agent lives, at most once in a few seconds.
func (e *Engine) touch(ctx context.Context, s inventory.Session) error {
	if now := e.Now(); now.Sub(s.SeenAt) > 5*time.Second {
		return e.Store.TouchSession(ctx, s.ID, now)
	}
	return nil
}

// PostFacts takes in what the agent saw of the hardware.
func (e *Engine) PostFacts(ctx context.Context, s inventory.Session, p api.FactsPost) error {
	if err := e.touch(ctx, s); err != nil {
		return err
	}
	_, err := e.Store.Change(ctx, s.Machine, inventory.ActorAgent, func(m *inventory.Machine) (inventory.Note, error) {
		f := p.Facts
		f.StampLinks(m.Facts, e.Now())
		f.TakePSUs(inventory.PSUs(m.BMC.PSUs)) // who looks from inside may see none
		m.Facts, m.FactsAt = &f, e.Now()
		id := inventory.Identity{Serial: f.System.Serial, UUID: f.System.UUID, AssetTag: f.System.AssetTag, NICMACs: f.MACs()}
		if f.BMC != nil {
			id.BMCMAC = f.BMC.MAC
		}
		known := m.Identity
		if macs := f.MACs(); len(macs) > 0 {
			known.NICMACs = nil // the facts know them all: a NIC that was taken out goes
		}
		m.Identity = known.Merge(id)
		return inventory.Note{Kind: "facts", Reason: fmt.Sprintf("%s %s: %s, %d MiB, %s, %s", f.System.Manufacturer,
			f.System.Product, inventory.Plural(len(f.CPUs), "CPU"), f.Memory.TotalBytes>>20, inventory.Plural(len(f.Disks), "disk"), inventory.Plural(len(f.NICs), "NIC"))}, nil
	})
	if err == nil {
		e.sawAgent(s.Machine, nil, netip.Addr{}, inventory.SawFacts, inventory.OutDone, "facts", "taken")
	}
	return err
}

// NextOrder waits for work for the agent; nil when none came in time.
func (e *Engine) NextOrder(ctx context.Context, s inventory.Session, wait time.Duration) (*api.Order, error) {
	if err := e.touch(ctx, s); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, min(max(wait, 0), time.Minute))
	defer cancel()
	ring, stop := e.bell.wait(ctx, s.ID)
	defer stop()
	for {
		o, err := e.Store.NextOrder(context.WithoutCancel(ctx), s.ID)
		if err == nil {
			return &api.Order{ID: o.ID, Session: o.Session, Kind: o.Kind, Serial: o.Serial, Params: o.Params}, nil
		}
		if errors.Is(err, inventory.ErrSessionEnded) {
			return nil, problem(http.StatusUnauthorized, api.ErrUnauthorized, "this session has ended")
		}
		if !errors.Is(err, inventory.ErrNotFound) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-ring:
		}
	}
}

// reportStates maps the agent's words to the order's states.
var reportStates = map[string]inventory.OrderState{
	"taken": inventory.OrderTaken, "done": inventory.OrderDone, "failed": inventory.OrderFailed, "refused": inventory.OrderRefused}

// Report takes in how an order goes. The same report may come twice; it counts once.
func (e *Engine) Report(ctx context.Context, s inventory.Session, order string, r api.Report) error {
	state, ok := reportStates[r.State]
	if !ok {
		return problem(http.StatusUnprocessableEntity, api.ErrInvalid, "state %q is none of taken, done, failed, refused", r.State)
	}
	if err := e.touch(ctx, s); err != nil {
		return err
	}
	o, err := e.Store.Report(ctx, s.ID, order, inventory.OrderReport{Seq: r.Seq, State: state, Done: r.Done, Total: r.Total,
		Wire: r.Wire, Code: r.Code, Message: r.Message, Result: json.RawMessage(r.Result)})
	if errors.Is(err, inventory.ErrNotFound) {
		return problem(http.StatusNotFound, api.ErrNotFound, "this session has no order %s", order)
	}
	if err == nil && o.Kind == api.OrderBMCAccount && o.State.Final() {
		return e.queueRotation(ctx, s.Machine)
	}
	return err
}

// PhoneHome takes the deployed system's call: it is up, or says why it could not set up its role. The call may
// be repeated from the same address.
func (e *Engine) PhoneHome(ctx context.Context, text string, call api.PhoneHome, remote netip.Addr) error {
	token, err := e.Store.UseToken(ctx, inventory.TokenPhoneHome, text, remote.String())
	if errors.Is(err, inventory.ErrNoToken) || errors.Is(err, inventory.ErrTokenUsed) {
		return problem(http.StatusUnauthorized, api.ErrUnauthorized, "phone-home token: %v", err)
	}
	if err != nil {
		return err
	}
	_, err = e.Store.Change(ctx, token.Machine, "system", func(m *inventory.Machine) (inventory.Note, error) {
		if m.Deployed.PhonedHome.IsZero() {
			m.Deployed.PhonedHome = e.Now()
		}
		m.Address, m.SeenAt = remote, e.Now()
		if call.State == api.PhoneFailed {
			m.Deployed.SetupError = strings.ToValidUTF8(call.Message[:min(len(call.Message), 1000)], "")
			return inventory.Note{Kind: "phone-home", Reason: fmt.Sprintf("the deployed system calls from %s: its role could not be set up", remote)}, nil
		}
		return inventory.Note{Kind: "phone-home", Reason: fmt.Sprintf("the deployed system calls from %s", remote)}, nil
	})
	if err == nil {
		e.Recorder.Record(inventory.Evidence{Time: e.Now(), Machine: token.Machine, Source: "system", Client: inventory.StageSystem,
			Kind: inventory.SawCall, Outcome: inventory.OutDone, Addr: remote, Asked: "phone home", Reply: "heard"})
	}
	return err
}

// note adds a line to the history that changes nothing; losing one is logged and does no harm.
func (e *Engine) note(ctx context.Context, m inventory.Machine, kind, reason string) {
	err := e.Store.Append(ctx, inventory.Event{Time: e.Now(), Machine: m.ID, Name: m.Name, Actor: inventory.ActorAgent, Kind: kind, Reason: reason})
	if err != nil {
		e.Log.Warn("writing the history", "machine", m.Name, "kind", kind, "err", err)
	}
}
