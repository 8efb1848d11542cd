package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
)

type (
	waiveInput struct {
		MachineRef
		Body api.WaiveRequest
	}
	waiverRef struct {
		ID string `path:"id" maxLength:"64"`
	}
)

func (s *Server) restAcceptance(a huma.API) {
	register(s, a, get("judge-machines", api.PathAcceptance, "Judge machines by the criteria of their models: accepted, waived, open or rejected, and why", "acceptance"),
		func(ctx context.Context, in *api.AcceptanceScope) (*body[api.Acceptance], error) {
			out, err := s.o.Acceptance.Judge(ctx, *in)
			return &body[api.Acceptance]{out}, err
		})
	restDocument(s, a, post("put-criteria", api.PathCriteria, "Store a new version of what machines have to be like (YAML or JSON), or all that is wrong with it", "acceptance"), s.o.Acceptance.PutCriteria,
		get("get-criteria", api.PathCriteria+"/{name}", "Read criteria as they were put", "acceptance"), s.o.Acceptance.Criteria)
	register(s, a, get("list-criteria", api.PathCriteria, "List all versions of criteria", "acceptance"),
		func(ctx context.Context, _ *none) (*body[api.CriteriaList], error) {
			all, err := s.o.Acceptance.AllCriteria(ctx)
			return &body[api.CriteriaList]{api.CriteriaList{Criteria: documentsOut(all)}}, err
		})
	register(s, a, post("waive-finding", api.PathMachines+"/{ref}/waivers", "Let one thing that was found of a machine pass", "acceptance"),
		func(ctx context.Context, in *waiveInput) (*body[api.Waiver], error) {
			w, err := s.o.Acceptance.Waive(ctx, actor(ctx), in.Ref, in.Body)
			return &body[api.Waiver]{w}, err
		})
	register(s, a, get("list-waivers", api.PathWaivers, "List what people let pass, also what they no longer do", "acceptance"),
		func(ctx context.Context, _ *none) (*body[api.WaiverList], error) {
			all, err := s.o.Acceptance.Waivers(ctx)
			return &body[api.WaiverList]{api.WaiverList{Waivers: append([]api.Waiver{}, all...)}}, err
		})
	withdraw := get("withdraw-waiver", api.PathWaivers+"/{id}", "No longer let something pass", "acceptance")
	withdraw.Method = http.MethodDelete
	register(s, a, withdraw, func(ctx context.Context, in *waiverRef) (*body[api.Waiver], error) {
		w, err := s.o.Acceptance.WithdrawWaiver(ctx, actor(ctx), in.ID)
		return &body[api.Waiver]{w}, err
	})
}
