package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

// NetBox exchanges with NetBox what stands where and how it is cabled. All errors of an archive are one *api.Problem.
type NetBox interface {
	ImportNetBox(ctx context.Context, actor string, archive []byte, o api.NetBoxOptions) (api.NetBoxImport, error)
	ExportNetBox(ctx context.Context, before42 bool) (archive []byte, err error)
}

type (
	netboxInput struct {
		DryRun  bool     `query:"dry_run" doc:"check everything and change nothing"`
		Roles   []string `query:"role,explode" maxItems:"200" doc:"what a role of NetBox's devices is: NAME OR SLUG=server, server:ROLE, switch, pdu, patch-panel, spare, other, skip"`
		RawBody []byte   `contentType:"application/zip"`
	}
	netboxExport struct {
		Before42 bool `query:"before_4_2" doc:"for a NetBox before 4.2, whose interfaces have their MAC address themselves"`
	}
	archiveBody struct {
		ContentType        string `header:"Content-Type"`
		ContentDisposition string `header:"Content-Disposition"`
		Body               []byte
	}
)

func (s *Server) restNetBox(a huma.API) {
	op := post("import-netbox", api.PathNetBoxImport, "Import racks, devices and cables of NetBox (a zip archive of its CSV or JSON files, or one of them): all of it, or nothing and every error with its line", "netbox")
	op.MaxBodyBytes = maxManifest
	op.BodyReadTimeout = importTimeout + 10*time.Second
	register(s, a, op, func(ctx context.Context, in *netboxInput) (*body[api.NetBoxImport], error) {
		ctx, cancel := context.WithTimeout(ctx, importTimeout)
		defer cancel()
		r, err := s.o.NetBox.ImportNetBox(ctx, actor(ctx), in.RawBody, api.NetBoxOptions{DryRun: in.DryRun, Roles: in.Roles})
		return &body[api.NetBoxImport]{r}, err
	})
	register(s, a, get("export-netbox", api.PathNetBoxExport, "Write racks, devices and cables as files for NetBox's bulk import (a zip archive)", "netbox"),
		func(ctx context.Context, in *netboxExport) (*archiveBody, error) {
			archive, err := s.o.NetBox.ExportNetBox(ctx, in.Before42)
			if err != nil {
				return nil, err
			}
			return &archiveBody{"application/zip", `attachment; filename="netbox.zip"`, archive}, nil
		})
}
