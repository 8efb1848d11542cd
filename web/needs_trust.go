package web

import (
	"context"

	"socle/api"
)

// Trust is by what BMCs are known again before they are told a password.
type Trust interface {
	Certificate(ctx context.Context, ref string) (api.BMCCertificate, error)
	// TrustBMC accepts what the BMC shows now, if it is of this fingerprint.
	TrustBMC(ctx context.Context, actor, ref, fingerprint string) (api.BMCCertificate, error)
}
