package web

import (
	"context"

	"socle/api"
	"socle/inventory"
)

// Certificates writes down, signed, what is true of machines. Of a number that there is not the error is
// inventory.ErrNotFound; a scope that is not accepted is an *api.Problem with the reasons.
type Certificates interface {
	IssueCertificate(ctx context.Context, actor string, r api.CertificateRequest) (inventory.CertificateEntry, error)
	IssuedCertificate(ctx context.Context, number int64) (file []byte, err error)
	Certificates(ctx context.Context, machineID string) ([]inventory.CertificateEntry, error) // those of one, or all (empty), the newest first
	CertificateKey(ctx context.Context) (api.PublicKey, error)
}
