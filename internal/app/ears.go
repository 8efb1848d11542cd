package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/health"
	"socle/internal/config"
	"socle/internal/secret"
	"socle/inventory"
)

// maxEventStreams is how many BMCs' streams are held open; the others post.
const maxEventStreams = 256

// ears hear what BMCs tell of. What a BMC posts comes with a proof, in the path of the URL that it was told: whoever does
// not know it cannot make us look anywhere.
type ears struct {
	bmcs    *bmcs
	streams chan struct{} // one place for each
	base    string        // URL of our API as BMCs reach it
	key     secret.Secret

	hints interface {
		Hint(ctx context.Context, machineID string, at time.Time) error
	}
	mu   sync.Mutex
	last map[string]time.Time // when a machine's BMC was last heard of
}

// newEars makes them; without streams all BMCs are made to post.
func (k *kit) newEars(ctx context.Context) (*ears, error) {
	key, err := k.store.Key(ctx, "bmc-events")
	if err != nil {
		return nil, err
	}
	e := &ears{bmcs: k.bmcs, base: k.config.Health.EventsURL, key: key, hints: k.store, last: map[string]time.Time{}}
	if e.base == "" {
		e.base = k.agentURL()
	}
	if k.config.Health.Events == config.EventsAuto {
		e.streams = make(chan struct{}, maxEventStreams)
	}
	return e, nil
}

func (e *ears) proof(of string) string {
	mac := hmac.New(sha256.New, []byte(e.key.Reveal()))
	_, _ = mac.Write([]byte(of)) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// subscription is what a machine's BMC is told. Its context tells our subscriptions from those of others, and from those
// of another Socle.
func (e *ears) subscription(machineID string) bmc.Subscription {
	owner := "socle:" + e.proof("owner")[:12]
	return bmc.Subscription{Owner: owner, Context: owner, Destination: e.base + api.PathBMCEvents + "/" + machineID + "/" + e.proof("machine "+machineID)}
}

// deaf says which errors mean that a BMC tells of nothing.
func deaf(err error) error {
	if errors.Is(err, bmc.ErrUnsupported) {
		return errors.Join(err, health.ErrDeaf)
	}
	return refused(err)
}

// Hear implements health.Ears.
func (e *ears) Hear(ctx context.Context, m inventory.Machine, hint func()) (posts bool, err error) {
	if m.BMC.Protocol != inventory.Redfish {
		return false, health.ErrDeaf
	}
	select {
	case e.streams <- struct{}{}: // never, where there are none
		err := e.listen(ctx, m, hint)
		<-e.streams
		if err == nil || ctx.Err() != nil || errors.Is(err, bmc.ErrUnreachable) || errors.Is(err, bmc.ErrAuth) || errors.Is(err, bmc.ErrBusy) {
			return false, refused(err)
		}
	default:
	}
	_, err = on(ctx, e.bmcs, m, func(ctx context.Context, t bmc.Target) (bool, error) {
		return e.bmcs.driver.Subscribe(ctx, t, e.subscription(m.ID))
	})
	return err == nil, deaf(err)
}

func (e *ears) listen(ctx context.Context, m inventory.Machine, hint func()) error {
	_, err := on(ctx, e.bmcs, m, done(func(ctx context.Context, t bmc.Target) error {
		return e.bmcs.driver.Listen(ctx, t, func() {}, func(bmc.Notice) { hint() })
	}))
	return err
}

// Forget implements health.Ears.
func (e *ears) Forget(ctx context.Context, m inventory.Machine) error {
	_, err := on(ctx, e.bmcs, m, done(func(ctx context.Context, t bmc.Target) error {
		return e.bmcs.driver.Unsubscribe(ctx, t, e.subscription(m.ID).Owner)
	}))
	return err
}

// toldRest is within how much time a BMC that tells on is not heard: one hint is enough for a look.
const toldRest = time.Second

// Told implements web.Told: a BMC posts what happened.
func (e *ears) Told(ctx context.Context, machineID, proof string, text []byte) error {
	if !hmac.Equal([]byte(proof), []byte(e.proof("machine "+machineID))) {
		return api.NewProblem(http.StatusNotFound, api.ErrNotFound, "nobody is waiting for events here")
	}
	if _, err := bmc.ParseNotices(text); err != nil {
		return api.NewProblem(http.StatusBadRequest, api.ErrInvalid, err.Error())
	}
	now := time.Now()
	e.mu.Lock()
	soon := now.Sub(e.last[machineID]) < toldRest
	if !soon {
		e.last[machineID] = now
	}
	e.mu.Unlock()
	if soon {
		return nil
	}
	return e.hints.Hint(ctx, machineID, now)
}
