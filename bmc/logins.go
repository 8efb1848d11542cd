package bmc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// maxRefused is how many refused logins an account may have within the calm: the lowest lock-out that vendors
// ship is after three.
const maxRefused = 2

// logins keeps accounts from being locked out: a password that was refused is not tried again for a while, and
// an account that refused two different ones gets no third. A login that works forgets it all.
type logins struct {
	calm time.Duration
	salt [32]byte // so that what is kept tells nothing about passwords

	mu      sync.Mutex
	refused map[account][]refusal // the oldest first
}

type account struct{ address, user string }

type refusal struct {
	password [32]byte // its hash
	at       time.Time
}

func newLogins(calm time.Duration) *logins {
	l := &logins{calm: calm, refused: map[account][]refusal{}}
	_, _ = rand.Read(l.salt[:]) // it never fails (crypto/rand)
	return l
}

func (l *logins) call(ctx context.Context, t Target, o op, next step) (any, error) {
	if o.anonymous {
		return next(ctx)
	}
	who := account{strings.ToLower(t.Address), t.User}
	hash := sha256.Sum256(append(l.salt[:], t.Password.Reveal()...))
	if err := l.admit(who, hash); err != nil {
		return nil, err
	}
	v, err := next(ctx)
	switch {
	case err == nil:
		l.forget(who)
	case errors.Is(err, ErrAuth) && !errors.Is(err, errNotAsked):
		l.note(who, hash)
	}
	return v, err
}

// errNotAsked marks an ErrAuth that the controller never heard of.
var errNotAsked = errors.New("no login was tried")

// admit lets a login through, or says when the next one will be.
func (l *logins) admit(who account, hash [32]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	list := l.refused[who]
	for len(list) > 0 && now.Sub(list[0].at) >= l.calm {
		list = list[1:]
	}
	if len(list) == 0 {
		delete(l.refused, who)
		return nil
	}
	l.refused[who] = list
	wait := func(r refusal) time.Duration { return max(l.calm-now.Sub(r.at).Round(time.Second), time.Second) }
	for _, r := range list {
		if r.password == hash {
			return fmt.Errorf("%w: it refused this password %v ago, and the same one is not tried again for another %v%w",
				ErrAuth, now.Sub(r.at).Round(time.Second), wait(r), quiet{errNotAsked})
		}
	}
	if len(list) >= maxRefused {
		return fmt.Errorf("%w: it refused %d passwords of this user, and a third could lock the account; the next is tried in %v%w",
			ErrAuth, len(list), wait(list[0]), quiet{errNotAsked})
	}
	return nil
}

func (l *logins) note(who account, hash [32]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[who] = append(l.refused[who], refusal{hash, time.Now()})
}

func (l *logins) forget(who account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.refused, who)
}
