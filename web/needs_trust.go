package web

import (
	"context"

	"socle/api"
)

// Keyring is what seals secrets in the database. Rotate and Retire may take minutes.
type Keyring interface {
	Keys(ctx context.Context) (api.Keyring, error)
	Rotate(ctx context.Context, actor string) (api.Keyring, error)
	Retire(ctx context.Context, actor string) (api.Keyring, error)
}

// Trust is by what BMCs are known again before they are told a password.
type Trust interface {
	Certificate(ctx context.Context, ref string) (api.BMCCertificate, error)
	// TrustBMC accepts what the BMC shows now, if it is of this fingerprint.
	TrustBMC(ctx context.Context, actor, ref, fingerprint string) (api.BMCCertificate, error)
	// GiveCertificate has the BMC show one of our own authority.
	GiveCertificate(ctx context.Context, actor, ref string) (api.BMCCertificate, error)
}
