package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"socle/api"
	"socle/inventory"
	"socle/inventory/store"
	"socle/web"
)

// ensureAdminToken makes the first token, at the first start, and leaves it in a file for whoever can read
// the data folder. A file that does not hold a valid token is an error, not a reason to make another.
func ensureAdminToken(ctx context.Context, s *store.Store, file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("looking for the admin token: %w", err)
	}
	token, err := s.NewToken(ctx, inventory.TokenSpec{Kind: inventory.TokenAdmin, Subject: "admin"})
	if err != nil {
		return fmt.Errorf("making the admin token: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".admin-token-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing the admin token: %w", err)
	}
	_, err = tmp.WriteString(token.Reveal() + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing the admin token: %w", errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}

// auth checks people's tokens.
type auth struct{ store *store.Store }

// Authenticate implements web.Authenticator.
func (a auth) Authenticate(ctx context.Context, bearer string) (web.Actor, error) {
	t, err := a.store.Token(ctx, inventory.TokenAdmin, bearer)
	if errors.Is(err, inventory.ErrNoToken) {
		return web.Actor{}, api.NewProblem(http.StatusUnauthorized, api.ErrUnauthorized, "unknown, expired or revoked token")
	}
	return web.Actor{Name: "token:" + t.Subject}, err
}
