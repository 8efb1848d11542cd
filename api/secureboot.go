package api

import (
	"context"
	"net/http"
	"time"
)

// SecureBoot is the answer of GET …/bmc/secureboot.
type SecureBoot struct {
	Machine   string        `json:"machine"`
	Enabled   bool          `json:"enabled" doc:"at the next boot"`
	Active    bool          `json:"active" doc:"at the present one"`
	Mode      string        `json:"mode,omitempty" doc:"of the keys: SetupMode, UserMode, AuditMode or DeployedMode"`
	Resets    []string      `json:"resets,omitempty" doc:"what can be done to all keys"`
	Databases []KeyDatabase `json:"databases" doc:"none where the BMC does not show them"`
	Waiting   string        `json:"waiting,omitempty" doc:"what became of settings that were ordered and are not proven to be in force"`
}

// KeyDatabase is a list of keys: PK, KEK, db or dbx.
type KeyDatabase struct {
	Name         string           `json:"name"`
	Certificates []KeyCertificate `json:"certificates"`
	Signatures   int              `json:"signatures" doc:"entries that are no certificates"`
}

// KeyCertificate is a certificate in a list of keys.
type KeyCertificate struct {
	Subject  string     `json:"subject,omitempty"`
	Issuer   string     `json:"issuer,omitempty"`
	NotAfter *time.Time `json:"not_after,omitempty"`
	SHA256   string     `json:"sha256,omitempty"`
}

// SecureBootRequest orders one of two things for the next boot.
type SecureBootRequest struct {
	Enable    *bool  `json:"enable,omitempty"`
	ResetKeys string `json:"reset_keys,omitempty" enum:"ResetAllKeysToDefault,DeleteAllKeys,DeletePK,"`
	SettingsOrder
}

// SecureBoot reads the state of a machine's Secure Boot, and its keys where the BMC shows them.
func (c *Client) SecureBoot(ctx context.Context, ref string) (SecureBoot, error) {
	var out SecureBoot
	return out, c.request(ctx, http.MethodGet, bmcPath(ref, "/secureboot"), nil, nil, &out)
}

// SetSecureBoot orders Secure Boot on or off, or a reset of its keys.
func (c *Client) SetSecureBoot(ctx context.Context, ref string, r SecureBootRequest) (SettingsReply, error) {
	var out SettingsReply
	return out, c.request(ctx, http.MethodPost, bmcPath(ref, "/secureboot"), nil, r, &out)
}
