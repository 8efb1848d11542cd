package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

type adoptInput struct {
	MachineRef
	Body api.AdoptRequest
}

func (s *Server) restBMCs(a huma.API) {
	register(s, a, get("list-bmcs", api.PathBMCs, "The management controllers of all machines, as the database knows them", "bmc"), s.listBMCs)
	register(s, a, post("adopt-bmc", api.PathMachines+"/{ref}/bmc/adopt", "Bring a BMC under control whose login is not known: with a login that works, or by an account that the agent makes in-band", "bmc"),
		func(ctx context.Context, in *adoptInput) (*body[api.AdoptReply], error) {
			ctx, cancel := context.WithTimeout(ctx, bmcTimeout)
			defer cancel()
			reply, err := s.o.Verbs.Adopt(ctx, actor(ctx), in.Ref, in.Body)
			return &body[api.AdoptReply]{reply}, err
		})
}

func (s *Server) listBMCs(ctx context.Context, _ *none) (*body[api.BMCList], error) {
	all, err := s.o.BMCs.List(ctx)
	if all == nil {
		all = []api.BMCEntry{}
	}
	return &body[api.BMCList]{api.BMCList{BMCs: all}}, err
}
