package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
)

// Accounts keeps the accounts of BMCs. Its errors are *Failure. All calls but TryLogin use the login in force.
type Accounts interface {
	// PasswordLength is what the BMC asks of passwords, in bytes.
	PasswordLength(ctx context.Context, m inventory.Machine) (least, most int, err error)
	// PutAccount makes an administrator, or makes one of the account of that name, with this password.
	PutAccount(ctx context.Context, m inventory.Machine, user string, password secret.Secret) error
	// OwnPassword changes the password of the account in force, for a BMC that lets it do nothing else.
	OwnPassword(ctx context.Context, m inventory.Machine, password secret.Secret) error
	// RemoveAccount takes an account away; one that is not there is no error.
	RemoveAccount(ctx context.Context, m inventory.Machine, user string) error
	// TryLogin probes with another login than the one in force.
	TryLogin(ctx context.Context, m inventory.Machine, user string, password secret.Secret) (BMCInfo, error)
}

// The two accounts that Socle makes on a BMC, in turns.
const (
	accountA = "socle-a"
	accountB = "socle-b"
)

// Rotate begins, or goes on with, a change of the login of a machine's BMC. A new account with a password that nobody
// has seen is written down, made, and logged into before it is put in force, and only then does the old one go; until
// the switch the old login works, whatever happens. Interrupted anywhere, the same job goes on by looking.
func (e *Engine) Rotate(ctx context.Context, actor, ref string, r api.RotateRequest) (api.RotateReply, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return api.RotateReply{}, err
	}
	switch {
	case m.Held():
		return api.RotateReply{}, held(&m)
	case m.BMC.Protocol.PowerOnly():
		return api.RotateReply{}, problem(http.StatusConflict, api.ErrConflict, "%s has no BMC: its power is switched by a %s, whose password is changed there and in the manifest", m.Name, m.BMC.Protocol)
	case e.Accounts == nil:
		return api.RotateReply{}, problem(http.StatusNotImplemented, api.ErrInvalid, "this server does not change logins of BMCs")
	case !m.BMC.Known():
		return api.RotateReply{}, problem(http.StatusConflict, api.ErrConflict, "no BMC of %s is known: name it in the manifest", m.Name)
	case r.Abort && m.BMC.Rotation == nil:
		return api.RotateReply{}, problem(http.StatusConflict, api.ErrConflict, "the login of %s is not being changed", m.Name)
	case r.Abort && m.BMC.Rotation.Own:
		return e.abortOwn(ctx, actor, &m)
	case r.Abort:
		return e.abortRotation(ctx, actor, &m)
	}
	var password secret.Secret
	own := false
	if m.BMC.Rotation == nil {
		var least, most int
		if least, most, own, err = e.lengths(ctx, m); err != nil {
			return api.RotateReply{}, asProblem(err)
		}
		if password, err = newPassword(least, most); err != nil {
			return api.RotateReply{}, problem(http.StatusConflict, api.ErrConflict, "%s: %v", m.Name, err)
		}
	}
	m, err = e.Store.ChangeLogin(ctx, m.ID, actor, func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
		if m.BMC.Rotation != nil { // it is under way: go on
			m.BMC.Rotation.Problem, m.BMC.Rotation.Stopped = "", time.Time{}
			if m.BMC.Rotation.InBand && m.BMC.Rotation.Made.IsZero() {
				m.BMC.Rotation.Began = e.Now() // the agent's order failed: another one is issued
			}
			m.BMC.Rotation.RemoveOld = m.BMC.Rotation.RemoveOld || r.RemoveOld
			return inventory.Note{Kind: "bmc", Reason: "the change of the BMC's login is to go on"}, nil
		}
		if password.Empty() {
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "the change of the login of %s has just ended; look at it, and order another one if need be", m.Name)
		}
		user := nextAccount(m)
		p.Other = password
		m.BMC.Rotation = &inventory.Rotation{User: user, Began: e.Now(), RemoveOld: r.RemoveOld}
		if own {
			m.BMC.Rotation.User, m.BMC.Rotation.Own = m.BMC.User, true
			return inventory.Note{Kind: "bmc", Reason: "the BMC wants the password of account " + m.BMC.User + " changed before anything else: that comes first"}, nil
		}
		return inventory.Note{Kind: "bmc", Reason: fmt.Sprintf("the BMC's login is to change from account %s to %s", m.BMC.User, user)}, nil
	})
	if err != nil {
		return api.RotateReply{}, err
	}
	return api.RotateReply{Machine: m.Name, User: m.BMC.Rotation.User}, e.queueRotation(ctx, m.ID)
}

// abortRotation forgets a new login that is not in force yet, and takes its account away as far as the BMC lets it.
func (e *Engine) abortRotation(ctx context.Context, actor string, m *inventory.Machine) (api.RotateReply, error) {
	user, inBand := m.BMC.Rotation.User, m.BMC.Rotation.InBand
	if !m.BMC.Rotation.Switched.IsZero() {
		return api.RotateReply{}, problem(http.StatusConflict, api.ErrConflict, "%s uses its new account %s already; order another change instead", m.Name, user)
	}
	changed, err := e.Store.ChangeLogin(ctx, m.ID, actor, func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
		if m.BMC.Rotation == nil || !m.BMC.Rotation.Switched.IsZero() {
			return inventory.Note{}, problem(http.StatusConflict, api.ErrConflict, "%s has its new login by now", m.Name)
		}
		m.BMC.Rotation, p.Other = nil, secret.Secret{}
		return inventory.Note{Kind: "bmc", Reason: "the change of the BMC's login was given up; account " + m.BMC.User + " stays"}, nil
	})
	if err != nil {
		return api.RotateReply{}, err
	}
	if inBand { // no login is known by which it could be taken away, and nobody knows its password
		return api.RotateReply{Machine: m.Name, User: changed.BMC.User}, nil
	}
	if err := e.Accounts.RemoveAccount(ctx, changed, user); err != nil {
		return api.RotateReply{}, asProblem(fmt.Errorf("account %s of %s stays as it is, and nobody knows its password: %w", user, m.Name, err))
	}
	return api.RotateReply{Machine: m.Name, User: changed.BMC.User}, nil
}

// asProblem makes what a BMC said an answer of the API.
func asProblem(err error) error {
	var f *Failure
	if errors.As(err, &f) {
		return problem(http.StatusBadGateway, string(f.Kind), "%s; %s", err.Error(), f.Remedy)
	}
	return err
}

// rotate does the next thing for a rotation and says when to look again; 0: it is over, or waits for a person.
func (e *Engine) rotate(ctx context.Context, id string) (time.Duration, error) {
	for {
		m, err := e.Store.Machine(ctx, id)
		if errors.Is(err, inventory.ErrNotFound) || err == nil && (m.BMC.Rotation == nil || !m.BMC.Rotation.Stopped.IsZero() || m.Held()) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		again, err := e.rotateOnce(ctx, &m)
		var f *Failure
		switch {
		case errors.Is(err, errStale):
		case errors.As(err, &f):
			return e.hinderRotation(ctx, &m, err, f)
		case err != nil || again > 0 || m.BMC.Rotation == nil:
			return again, err
		}
	}
}

// rotationPatience is how long a BMC that does not answer is asked again.
const rotationPatience = 30 * time.Minute

// rotateOnce goes through one phase and leaves in m what became of it.
func (e *Engine) rotateOnce(ctx context.Context, m *inventory.Machine) (again time.Duration, err error) {
	r := *m.BMC.Rotation
	switch {
	case r.Switched.IsZero() && r.InBand && r.Made.IsZero():
		return e.makeInBand(ctx, m, r)
	case r.Own && r.Switched.IsZero():
		return 0, e.changeOwn(ctx, m, r)
	case r.Own:
		return 0, e.fromOwn(ctx, m, r)
	case r.Switched.IsZero():
		return 0, e.switchLogin(ctx, m, r)
	}
	if rest := r.Switched.Add(e.RotationGrace).Sub(e.Now()); rest > 0 {
		return rest, nil
	}
	gone := "account " + r.OldUser + " stays on the BMC"
	if r.OldUser == "" {
		gone = "no other was known"
	}
	if r.OldUser != "" && (r.OldOrigin == inventory.FromSocle && ours(r.OldUser) || r.RemoveOld) {
		if err := e.Accounts.RemoveAccount(ctx, *m, r.OldUser); err != nil {
			return 0, err
		}
		gone = "account " + r.OldUser + " is gone"
	}
	return 0, e.changeLogin(ctx, m, r, func(m *inventory.Machine, p *secret.Pair) inventory.Note {
		m.BMC.Rotation, p.Other = nil, secret.Secret{}
		return inventory.Note{Kind: "bmc", Reason: "the BMC's login was changed to account " + m.BMC.User + "; " + gone}
	})
}

// switchLogin makes the new account, logs in with it, and puts it in force.
func (e *Engine) switchLogin(ctx context.Context, m *inventory.Machine, r inventory.Rotation) error {
	_, pair, err := e.Store.Login(ctx, m.ID)
	if err != nil {
		return err
	}
	if pair.Other.Empty() {
		return errStale
	}
	if !r.InBand {
		if err := e.Accounts.PutAccount(ctx, *m, r.User, pair.Other); err != nil {
			return err
		}
	}
	info, err := e.Accounts.TryLogin(ctx, *m, r.User, pair.Other)
	if err != nil {
		return fmt.Errorf("the new account %s was made and does not work, and the old one stays in force: %w", r.User, err)
	}
	if err := sameServer(m, info); err != nil {
		return err
	}
	return e.changeLogin(ctx, m, r, func(m *inventory.Machine, p *secret.Pair) inventory.Note {
		now := e.Now()
		m.BMC.Rotation.OldUser, m.BMC.Rotation.OldOrigin, m.BMC.Rotation.Switched = m.BMC.User, m.BMC.Origin, now
		m.BMC.User, m.BMC.Origin = r.User, inventory.FromSocle
		info.keep(m, now)
		p.Current, p.Other = p.Other, p.Current
		if m.Fault != nil && m.Fault.Kind.OfBMC() {
			m.Fault = nil // it was about the login that is over
		}
		return inventory.Note{Kind: "bmc", Reason: "the BMC lets account " + r.User + " in, which is used from now on"}
	})
}

// changeLogin stores a phase of a rotation that is still the one that was looked at.
func (e *Engine) changeLogin(ctx context.Context, m *inventory.Machine, r inventory.Rotation, fn func(*inventory.Machine, *secret.Pair) inventory.Note) error {
	changed, err := e.Store.ChangeLogin(ctx, m.ID, inventory.ActorProvision, func(m *inventory.Machine, p *secret.Pair) (inventory.Note, error) {
		if m.BMC.Rotation == nil || m.BMC.Rotation.User != r.User || !m.BMC.Rotation.Switched.Equal(r.Switched) || m.Held() {
			return inventory.Note{}, errStale
		}
		return fn(m, p), nil
	})
	if err == nil {
		*m = changed
	}
	return err
}

// hinderRotation writes down what is in the way of a rotation, and says when to try again: not at all, when only a
// person can help.
func (e *Engine) hinderRotation(ctx context.Context, m *inventory.Machine, why error, f *Failure) (time.Duration, error) {
	now, again := e.Now(), time.Duration(0)
	began := m.BMC.Rotation.Began
	if made := m.BMC.Rotation.Made; made.After(began) {
		began = made
	}
	if f.Retry && now.Sub(began) < rotationPatience {
		again = backoff(1 + int(now.Sub(began)/time.Minute))
	}
	problem := why.Error() + "; " + f.Remedy
	if again > 0 && m.BMC.Rotation.Problem == problem {
		return again, nil
	}
	err := e.changeLogin(ctx, m, *m.BMC.Rotation, func(m *inventory.Machine, _ *secret.Pair) inventory.Note {
		m.BMC.Rotation.Problem = problem
		if again > 0 {
			return inventory.Note{Kind: "bmc", Reason: "the change of the BMC's login waits: " + why.Error()}
		}
		m.BMC.Rotation.Stopped = now
		return inventory.Note{Kind: "bmc", Reason: "the change of the BMC's login stopped: " + why.Error()}
	})
	if errors.Is(err, errStale) {
		return time.Millisecond, nil
	}
	return again, err
}

// Lengths of the passwords that are made, in bytes, where the BMC lets them be.
const (
	wantedPassword   = 20
	shortestPassword = 8
)

// classes are the kinds of characters that a password has at least one of each: many BMCs ask for three. Letters and
// digits that look alike are left out, and so are the marks that shells, URLs and BMCs have stumbled over.
var classes = []string{"ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz", "23456789", "-_."}

// newPassword makes a random password that a BMC takes; 0 is no bound.
func newPassword(least, most int) (secret.Secret, error) {
	n := max(wantedPassword, least)
	if most > 0 {
		n = min(n, most)
	}
	if n < shortestPassword || n < least {
		return secret.Secret{}, fmt.Errorf("its BMC allows passwords of %d to %d characters, and fewer than %d are not safe", least, most, shortestPassword)
	}
	all := strings.Join(classes, "")
	text := make([]byte, n)
	for {
		for i := range text {
			k, err := rand.Int(rand.Reader, big.NewInt(int64(len(all))))
			if err != nil {
				return secret.Secret{}, fmt.Errorf("making a password: %w", err)
			}
			text[i] = all[k.Int64()]
		}
		first := strings.ContainsRune(classes[0]+classes[1], rune(text[0])) // some want a letter first
		if first && !slices.ContainsFunc(classes, func(c string) bool { return !strings.ContainsAny(string(text), c) }) {
			return secret.New(string(text)), nil
		}
	}
}
