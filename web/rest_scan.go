package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"socle/api"
)

type scanInput struct{ Body api.ScanRequest }

func (s *Server) restScan(a huma.API) {
	op := post("scan-bmcs", api.PathScan, "Look for management controllers on a network; each is told as it is found", "bmc")
	register(s, a, op, s.scan)
	res := a.OpenAPI().Paths[api.PathScan].Post.Responses["200"]
	res.Description = "a ScanLine of JSON on each line; the last one says how many addresses were looked at"
	res.Content = map[string]*huma.MediaType{"application/x-ndjson": {Schema: a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.ScanLine](), true, "ScanLine")}}
}

// scan answers with a line for each controller, so that a person sees them come.
func (s *Server) scan(ctx context.Context, in *scanInput) (*huma.StreamResponse, error) {
	run, err := s.o.Finder.Scan(ctx, actor(ctx), in.Body)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		w := humaecho.Unwrap(hc).Response()
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.WriteHeader(http.StatusOK)
		to := json.NewEncoder(w)
		say := func(l api.ScanLine) {
			_ = to.Encode(l) // a client that is gone ends the request's context, and the scan with it
			w.Flush()
		}
		looked, err := run(hc.Context(), func(c api.Controller) { say(api.ScanLine{Controller: &c}) })
		var p *api.Problem
		switch {
		case err == nil:
			say(api.ScanLine{Looked: looked})
		case errors.As(err, &p):
			say(api.ScanLine{Problem: p})
		default:
			s.o.Log.Error("a scan for BMCs failed", "err", err)
			say(api.ScanLine{Problem: api.NewProblem(http.StatusInternalServerError, api.ErrInternal, "the scan failed; the server's log says why")})
		}
	}}, nil
}
