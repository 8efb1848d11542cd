package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

// maxManifest bounds a manifest: some 100,000 servers.
const maxManifest = 32 << 20

// importTimeout bounds reading and importing one.
const importTimeout = 3 * time.Minute

type manifestInput struct {
	DryRun  bool   `query:"dry_run" doc:"check everything and change nothing"`
	Mapping string `query:"mapping" maxLength:"64" doc:"name of the mapping that says what the file's columns are; empty: they are ours"`
	RawBody []byte `contentType:"text/csv"`
}

func (s *Server) restManifests(a huma.API) {
	op := post("import-manifest", api.PathManifests, "Import a delivery manifest (CSV or XLSX, by its content): all of it, or nothing and every error with its line", "manifests")
	op.MaxBodyBytes = maxManifest
	op.BodyReadTimeout = importTimeout + 10*time.Second
	register(s, a, op, func(ctx context.Context, in *manifestInput) (*body[api.ImportReply], error) {
		ctx, cancel := context.WithTimeout(ctx, importTimeout)
		defer cancel()
		reply, err := s.o.Importer.Import(ctx, actor(ctx), in.RawBody, api.ImportOptions{DryRun: in.DryRun, Mapping: in.Mapping})
		if err != nil {
			return nil, err
		}
		return &body[api.ImportReply]{reply}, nil
	})
}
