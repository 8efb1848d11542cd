package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory/cabling"
)

// Cabling keeps how servers are to be cabled, and compares. All errors of a plan are one *api.Problem, as is a range that is
// none; an empty range is all machines.
type Cabling interface {
	ImportCabling(ctx context.Context, actor string, file []byte, whole, dryRun bool) (api.CableImport, error)
	CablePlan(ctx context.Context, machines string) (api.CablePlan, error)
	CheckCabling(ctx context.Context, machines string) (api.CableReport, error)
}

type (
	cablingInput struct {
		DryRun  bool   `query:"dry_run" doc:"check everything and change nothing"`
		Whole   bool   `query:"whole" doc:"the file is the whole plan: cables of servers that it does not name are taken out too"`
		RawBody []byte `contentType:"text/csv"`
	}
	machinesInput struct {
		Machines string `query:"machines" maxLength:"10000" doc:"a range of names, r1u[1-40]; empty: all"`
	}
)

// CableOut is a planned cable on the wire.
func CableOut(c cabling.Cable) api.Cable {
	return api.Cable{Server: c.Server, Port: c.Port, Switch: c.Switch, SwitchPort: c.SwitchPort, Group: c.Group, Label: c.Label, Colour: c.Colour, Length: c.Length}
}

func (s *Server) restCabling(a huma.API) {
	op := post("import-cabling", api.PathCabling, "Import a cabling plan (CSV or XLSX, by its content): all of it, or nothing and every error with its line", "cabling")
	op.MaxBodyBytes = maxManifest
	op.BodyReadTimeout = importTimeout + 10*time.Second
	register(s, a, op, func(ctx context.Context, in *cablingInput) (*body[api.CableImport], error) {
		ctx, cancel := context.WithTimeout(ctx, importTimeout)
		defer cancel()
		r, err := s.o.Cabling.ImportCabling(ctx, actor(ctx), in.RawBody, in.Whole, in.DryRun)
		return &body[api.CableImport]{r}, err
	})
	register(s, a, get("get-cabling", api.PathCabling, "Read the cabling plan", "cabling"),
		func(ctx context.Context, in *machinesInput) (*body[api.CablePlan], error) {
			r, err := s.o.Cabling.CablePlan(ctx, in.Machines)
			return &body[api.CablePlan]{r}, err
		})
	register(s, a, get("check-cabling", api.PathCablingCheck, "Compare the cabling plan with what the switches say on the servers' ports", "cabling"),
		func(ctx context.Context, in *machinesInput) (*body[api.CableReport], error) {
			r, err := s.o.Cabling.CheckCabling(ctx, in.Machines)
			return &body[api.CableReport]{r}, err
		})
}
