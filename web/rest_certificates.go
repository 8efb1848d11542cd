package web

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

type (
	certifyInput   struct{ Body api.CertificateRequest }
	certificateRef struct {
		Number int64 `path:"number" minimum:"1"`
	}
	certificatesInput struct {
		Machine string `query:"machine" maxLength:"200" doc:"name, serial number or ID of a machine: only those that judge it; empty: all"`
	}
)

func (s *Server) restCertificates(a huma.API) {
	register(s, a, post("issue-certificate", api.PathCertificates, "Write down and sign the verdicts of machines as they are now", "certificates"),
		func(ctx context.Context, in *certifyInput) (*body[api.CertificateEntry], error) {
			e, err := s.o.Certificates.IssueCertificate(ctx, actor(ctx), in.Body)
			return &body[api.CertificateEntry]{certificateOut(e)}, err
		})
	register(s, a, get("list-certificates", api.PathCertificates, "List the certificates, the newest first", "certificates"),
		func(ctx context.Context, in *certificatesInput) (*body[api.CertificateList], error) {
			all, err := s.certificatesOf(ctx, in.Machine)
			out := api.CertificateList{Certificates: []api.CertificateEntry{}}
			for _, e := range all {
				out.Certificates = append(out.Certificates, certificateOut(e))
			}
			return &body[api.CertificateList]{out}, err
		})
	register(s, a, get("get-certificate", api.PathCertificates+"/{number}", "Read a certificate's file, byte for byte as it was signed", "certificates"),
		func(ctx context.Context, in *certificateRef) (*archiveBody, error) {
			file, err := s.o.Certificates.IssuedCertificate(ctx, in.Number)
			if err != nil {
				return nil, err
			}
			return &archiveBody{api.ContentTypeCertificate, fmt.Sprintf(`attachment; filename="certificate-%d.json"`, in.Number), file}, nil
		})
	register(s, a, get("get-certificate-key", api.PathCertificateKey, "Read the public key by which certificates are verified", "certificates"),
		func(ctx context.Context, _ *none) (*body[api.PublicKey], error) {
			k, err := s.o.Certificates.CertificateKey(ctx)
			return &body[api.PublicKey]{k}, err
		})
}

// certificatesOf are those that judge a machine, or all.
func (s *Server) certificatesOf(ctx context.Context, ref string) ([]inventory.CertificateEntry, error) {
	if ref == "" {
		return s.o.Certificates.Certificates(ctx, "")
	}
	m, err := s.o.Inventory.Machine(ctx, ref)
	if err != nil {
		return nil, err
	}
	return s.o.Certificates.Certificates(ctx, m.ID)
}

func certificateOut(e inventory.CertificateEntry) api.CertificateEntry {
	return api.CertificateEntry{Number: e.Number, SHA256: e.Digest, Scope: e.Kind, Name: e.Name, Verdict: e.Verdict, Machines: e.Machines, Actor: e.Actor, Time: e.Time}
}
