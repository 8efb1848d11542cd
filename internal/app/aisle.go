package app

import (
	"context"
	"errors"
	"net/http"

	"socle/api"
	"socle/inventory/offline"
	"socle/inventory/signing"
	"socle/inventory/store"
)

// aisle signs what is taken along into the aisle, and knows it again. What comes back is the store's.
type aisle struct{ *store.Store }

// SealSnapshot implements web.Aisle.
func (a aisle) SealSnapshot(ctx context.Context, s offline.Snapshot) (offline.File, error) {
	key, err := a.SigningKey(ctx)
	if err != nil {
		return offline.File{}, err
	}
	return offline.Seal(s, func(payload []byte) ([]byte, []byte, error) {
		return key.Public(), key.Sign(signing.Snapshot, payload), nil
	})
}

// OpenSnapshot implements web.Aisle.
func (a aisle) OpenSnapshot(ctx context.Context, f offline.File) (offline.Snapshot, error) {
	s, err := f.Open(func(key, payload, signature []byte) error {
		return a.VerifySigned(ctx, key, signing.Snapshot, payload, signature)
	})
	if errors.Is(err, signing.ErrSignature) || errors.Is(err, offline.ErrFormat) {
		err = api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "the snapshot: "+err.Error())
	}
	return s, err
}
