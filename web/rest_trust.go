package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

type trustInput struct {
	MachineRef
	Body api.TrustRequest
}

func (s *Server) restTrust(a huma.API) {
	at := func(what string) string { return api.PathMachines + "/{ref}/bmc" + what }
	register(s, a, get("get-bmc-certificate", at("/certificate"), "Look which certificate a BMC shows, and which it must show; nobody logs in", "bmc"),
		func(ctx context.Context, in *MachineRef) (*body[api.BMCCertificate], error) {
			ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
			defer cancel()
			c, err := s.o.Trust.Certificate(ctx, in.Ref)
			return &body[api.BMCCertificate]{c}, err
		})
	register(s, a, post("trust-bmc", at("/trust"), "Accept the certificate that a BMC shows now, named by its fingerprint", "bmc"),
		func(ctx context.Context, in *trustInput) (*body[api.BMCCertificate], error) {
			ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
			defer cancel()
			c, err := s.o.Trust.TrustBMC(ctx, actor(ctx), in.Ref, in.Body.Fingerprint)
			return &body[api.BMCCertificate]{c}, err
		})
	register(s, a, post("give-bmc-certificate", at("/certificate"), "Give a BMC a certificate of our own authority, for a key that it makes itself, and wait until it shows it", "bmc"),
		func(ctx context.Context, in *MachineRef) (*body[api.BMCCertificate], error) {
			ctx, cancel := context.WithTimeout(ctx, bmcResetTimeout)
			defer cancel()
			c, err := s.o.Trust.GiveCertificate(ctx, actor(ctx), in.Ref)
			return &body[api.BMCCertificate]{c}, err
		})
}
