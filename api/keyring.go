package api

import (
	"context"
	"net/http"
)

// PathKeyring is about the keys that seal secrets in the database.
const PathKeyring = "/api/v1/keyring"

// Key is one of them, by its number.
type Key struct {
	ID    string `json:"id"`
	Seals bool   `json:"seals" doc:"it seals what is new; the others only open what they have sealed"`
}

// Keyring is what is known of the keys, and what was just done.
type Keyring struct {
	Keys     []Key  `json:"keys" doc:"the one that seals first"`
	Resealed int    `json:"resealed,omitempty" doc:"secrets that were sealed again with the present key"`
	Lost     int    `json:"lost,omitempty" doc:"secrets that no key of the ring opens"`
	Next     string `json:"next,omitempty" doc:"what is left to do"`
}

// Keyring lists the keys that seal secrets.
func (c *Client) Keyring(ctx context.Context) (Keyring, error) {
	var out Keyring
	return out, c.request(ctx, http.MethodGet, PathKeyring, nil, nil, &out)
}

// RotateKeyring adds a key that seals from now on, and seals everything with it again.
func (c *Client) RotateKeyring(ctx context.Context) (Keyring, error) {
	var out Keyring
	return out, c.request(ctx, http.MethodPost, PathKeyring+"/rotate", nil, nil, &out)
}

// RetireKeys drops all keys but the one that seals.
func (c *Client) RetireKeys(ctx context.Context) (Keyring, error) {
	var out Keyring
	return out, c.request(ctx, http.MethodPost, PathKeyring+"/retire", nil, nil, &out)
}
