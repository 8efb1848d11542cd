package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

// keyringTimeout is for sealing all secrets of a large inventory again. What was done by then stays done.
const keyringTimeout = 30 * time.Minute

func (s *Server) restKeyring(a huma.API) {
	register(s, a, get("get-keyring", api.PathKeyring, "List the keys that seal secrets in the database, by number", "keyring"),
		func(ctx context.Context, _ *none) (*body[api.Keyring], error) {
			k, err := s.o.Keyring.Keys(ctx)
			return &body[api.Keyring]{k}, err
		})
	for _, op := range []struct {
		id, verb, what string
		do             func(Keyring, context.Context, string) (api.Keyring, error)
	}{
		{"rotate-keyring", "/rotate", "Seal all secrets with a new key; with the embedded database the old one goes then", Keyring.Rotate},
		{"retire-keys", "/retire", "Drop the old keys, when nothing is sealed with them any more", Keyring.Retire},
	} {
		register(s, a, post(op.id, api.PathKeyring+op.verb, op.what, "keyring"), func(ctx context.Context, _ *none) (*body[api.Keyring], error) {
			ctx, cancel := context.WithTimeout(ctx, keyringTimeout)
			defer cancel()
			k, err := op.do(s.o.Keyring, ctx, actor(ctx))
			return &body[api.Keyring]{k}, err
		})
	}
}
