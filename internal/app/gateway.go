package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"socle/api"
	"socle/console/gateway"
	"socle/inventory"
)

// gatewayTask is the way to the consoles by SSH.
func (k *kit) gatewayTask(ctx context.Context, all *consoles) (Task, error) {
	key, err := gateway.HostKey(filepath.Join(k.config.DataDir, "ssh-host-key"))
	if err != nil {
		return Task{}, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", k.config.Console.SSHListen)
	if err != nil {
		return Task{}, fmt.Errorf("listening for SSH (console.ssh_listen): %w", err)
	}
	g := gateway.New(gateway.Options{
		Guard: guard{auth{k.store}, all, k.config.Console.SSHKeys}, Consoles: all, HostKey: key, Log: k.log,
	})
	k.log.Info("consoles can be reached by SSH", "listen", l.Addr(), "host_key", ssh.FingerprintSHA256(key.PublicKey()))
	return Task{"consoles by SSH", func(ctx context.Context) error { return g.Serve(ctx, l) }}, nil
}

// guard lets in who has an API token, or a key in the file.
type guard struct {
	auth   auth
	guests *consoles
	keys   string // file; empty: none
}

// Password implements gateway.Guard.
func (g guard) Password(ctx context.Context, machine, token string) (string, error) {
	who, err := g.auth.Authenticate(ctx, token)
	if !nobody(err) {
		return who.Name, err
	}
	name, id, err := g.guests.Guest(ctx, token)
	if nobody(err) {
		return "", gateway.ErrNobody
	}
	if err != nil {
		return "", err
	}
	m, err := g.guests.machine(ctx, machine)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && m.ID != id {
		return "", gateway.ErrNobody
	}
	return "guest:" + name, err
}

// nobody tells that a token belongs to nobody.
func nobody(err error) bool {
	var p *api.Problem
	return errors.As(err, &p) && p.Status == http.StatusUnauthorized
}

// Key implements gateway.Guard.
func (g guard) Key(_ context.Context, key ssh.PublicKey) (string, error) {
	if g.keys == "" {
		return "", gateway.ErrNobody
	}
	owner, err := gateway.KeyOwner(g.keys, key)
	if err != nil {
		return "", err
	}
	if owner == "" {
		return "", gateway.ErrNobody
	}
	return "key:" + owner, nil
}
