package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/inventory"
)

// Models keeps what is in the servers of each model, and compares. Of a model that is not there the error is
// inventory.ErrNotFound; what people did wrong is an *api.Problem, with all errors at once.
type Models interface {
	PutModel(ctx context.Context, actor string, text []byte) (inventory.Document, error)
	TakeModel(ctx context.Context, actor, name, ref string) (inventory.Document, error)                  // of what is in a machine
	Model(ctx context.Context, name string, version int) (inventory.Document, error)                     // 0: the newest
	Models(ctx context.Context) ([]inventory.Document, error)                                            // all versions
	CompareModel(ctx context.Context, ref, model string) (inventory.Machine, []inventory.Finding, error) // "": the machine's own
}

type (
	documentInput struct {
		RawBody []byte `contentType:"application/yaml"`
	}
	namedDocument struct {
		Name    string `path:"name" maxLength:"64"`
		Version int    `query:"version" minimum:"0" doc:"0: the newest"`
	}
	takeInput struct {
		Name string `path:"name" maxLength:"64"`
		Body api.TakeRequest
	}
	compareInput struct {
		MachineRef
		Model string `query:"model" maxLength:"64" doc:"empty: the machine's own"`
	}
)

// maxDocument bounds a document, in bytes.
const maxDocument = 1 << 20

func (s *Server) restModels(a huma.API) {
	restDocument(s, a, post("put-model", api.PathModels, "Store a new version of a model's profile (YAML or JSON), or all that is wrong with it", "models"), s.o.Models.PutModel,
		get("get-model", api.PathModels+"/{name}", "Read a model's profile as it was put", "models"), s.o.Models.Model)
	register(s, a, get("list-models", api.PathModels, "List all versions of the models' profiles", "models"),
		func(ctx context.Context, _ *none) (*body[api.ModelList], error) {
			all, err := s.o.Models.Models(ctx)
			return &body[api.ModelList]{api.ModelList{Models: documentsOut(all)}}, err
		})
	register(s, a, post("take-model", api.PathModels+"/{name}/take", "Store what is in a good server as a new version of a model's profile", "models"),
		func(ctx context.Context, in *takeInput) (*body[api.Document], error) {
			d, err := s.o.Models.TakeModel(ctx, actor(ctx), in.Name, in.Body.Machine)
			return &body[api.Document]{documentOut(d, true)}, err
		})
	register(s, a, get("compare-model", api.PathMachines+"/{ref}/model", "Compare what is in a machine, as the agent saw it last, with its model", "models"),
		func(ctx context.Context, in *compareInput) (*body[api.FindingList], error) {
			m, found, err := s.o.Models.CompareModel(ctx, in.Ref, in.Model)
			out := api.FindingList{Findings: []api.Finding{}, Looked: []api.Look{{Source: string(inventory.FromParts), Machines: 1}}}
			for _, f := range found {
				out.Findings = append(out.Findings, FindingOut(m, f))
			}
			return &body[api.FindingList]{out}, err
		})
}

// restDocument lets people put and read documents of one kind.
func restDocument(s *Server, a huma.API, put huma.Operation, store func(ctx context.Context, actor string, text []byte) (inventory.Document, error),
	get huma.Operation, read func(ctx context.Context, name string, version int) (inventory.Document, error)) {
	put.MaxBodyBytes = maxDocument
	register(s, a, put, func(ctx context.Context, in *documentInput) (*body[api.Document], error) {
		d, err := store(ctx, actor(ctx), in.RawBody)
		return &body[api.Document]{documentOut(d, false)}, err
	})
	register(s, a, get, func(ctx context.Context, in *namedDocument) (*body[api.Document], error) {
		d, err := read(ctx, in.Name, in.Version)
		return &body[api.Document]{documentOut(d, true)}, err
	})
}

func documentOut(d inventory.Document, whole bool) api.Document {
	out := api.Document{Name: d.Name, Version: d.Version, Actor: d.Actor, Time: d.Time}
	if whole {
		out.Text = d.Text
	}
	return out
}

func documentsOut(all []inventory.Document) []api.Document {
	out := []api.Document{}
	for _, d := range all {
		out = append(out, documentOut(d, false))
	}
	return out
}
