package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

// ringmaster renews the keys that seal secrets in the database. It keeps no state of its own: how far a renewal is can be
// seen from the ring and from the values, so that whoever is told to go on does.
type ringmaster struct {
	keys  *secret.Keyring
	store *store.Store
	rest  time.Duration
	each  func() // when not nil, called after each part of the work
}

// ringRest is how long a transaction that sealed with an older key may be under way before its value is looked for.
const ringRest = 15 * time.Second

func (r *ringmaster) part() {
	if r.each != nil {
		r.each()
	}
}

// Keys implements web.Keyring.
func (r *ringmaster) Keys(context.Context) (api.Keyring, error) {
	ids, err := r.keys.Keys()
	if err != nil {
		return api.Keyring{}, err
	}
	out := api.Keyring{}
	for i, id := range ids {
		out.Keys = append(out.Keys, api.Key{ID: fmt.Sprintf("%08x", id), Seals: i == 0})
	}
	return out, nil
}

// Rotate implements web.Keyring. With the embedded database there is no other server, and the old keys go at once; else
// all servers must have the new ring first.
func (r *ringmaster) Rotate(ctx context.Context, actor string) (api.Keyring, error) {
	ids, err := r.keys.Keys()
	if err != nil {
		return api.Keyring{}, err
	}
	reason := "the renewal of the keyring goes on"
	if len(ids) == 1 {
		reason = fmt.Sprintf("a new key for the keyring was ordered, beside %08x", ids[0])
	}
	if err := r.tell(ctx, actor, reason); err != nil {
		return api.Keyring{}, err
	}
	if len(ids) == 1 {
		if err := r.keys.Rotate(); err != nil {
			return api.Keyring{}, err
		}
		r.part()
	}
	if r.store.Dialect() == "sqlite" {
		return r.retire(ctx, actor)
	}
	all, err := r.store.Reseal(ctx, r.part)
	if err != nil {
		return api.Keyring{}, err
	}
	return r.ended(ctx, actor, all, "the new key seals; give the keyring to all servers of this database, then order socle keyring retire")
}

// Retire implements web.Keyring.
func (r *ringmaster) Retire(ctx context.Context, actor string) (api.Keyring, error) {
	ids, err := r.keys.Keys()
	if err != nil {
		return api.Keyring{}, err
	}
	if len(ids) == 1 {
		return api.Keyring{}, api.NewProblem(http.StatusConflict, api.ErrConflict, "the keyring has one key only: order socle keyring rotate first")
	}
	if err := r.tell(ctx, actor, "to go from the keyring: "+inventory.Plural(len(ids)-1, "old key")); err != nil {
		return api.Keyring{}, err
	}
	return r.retire(ctx, actor)
}

// retire drops the old keys, once a look at all values some time after the last change has found none of theirs.
func (r *ringmaster) retire(ctx context.Context, actor string) (api.Keyring, error) {
	var all store.Resealed
	for last := false; ; {
		n, err := r.store.Reseal(ctx, r.part)
		if err != nil {
			return api.Keyring{}, err
		}
		all.Values, all.Lost = all.Values+n.Values, n.Lost
		if last && n.Values == 0 {
			break
		}
		if last = n.Values == 0; !last {
			continue
		}
		select { // who has sealed with an older key and is still storing it
		case <-time.After(r.rest):
		case <-ctx.Done():
			return api.Keyring{}, fmt.Errorf("waiting before the old keys go: %w", context.Cause(ctx))
		}
	}
	if err := r.keys.Retire(); err != nil {
		return api.Keyring{}, err
	}
	r.part()
	return r.ended(ctx, actor, all, "the old keys are gone; backups from before need the keyring from before")
}

// ended writes down what came of it.
func (r *ringmaster) ended(ctx context.Context, actor string, all store.Resealed, next string) (api.Keyring, error) {
	out, err := r.Keys(ctx)
	if err != nil {
		return out, err
	}
	out.Resealed, out.Lost, out.Next = all.Values, all.Lost, next
	return out, r.tell(ctx, actor, fmt.Sprintf("%s sealed again with key %s; %s", inventory.Plural(all.Values, "secret"), out.Keys[0].ID, next))
}

func (r *ringmaster) tell(ctx context.Context, actor, reason string) error {
	return r.store.Append(ctx, inventory.Event{Time: time.Now(), Actor: actor, Kind: "keyring", Reason: reason})
}
