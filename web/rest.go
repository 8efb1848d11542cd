package web

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"socle/api"
)

// rest registers the REST API and its description.
func (s *Server) rest() {
	config := huma.DefaultConfig("Socle", "v1")
	config.Info.Description = "Turns racks of raw servers into the nodes of a cloud. " +
		"Every error is application/problem+json (RFC 9457) with a stable `code`."
	config.OpenAPIPath = "/api/openapi"
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no "$schema" in every answer
	config.Transformers = append(config.Transformers, asProblem)
	config.RejectUnknownQueryParameters = true
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "the admin token"},
	}
	config.Security = []map[string][]string{{"bearer": {}}}
	a := humaecho.New(s.echo, config)
	s.restMachines(a)
	s.restVerbs(a)
	s.restEvents(a)
	s.restManifests(a)
	s.restDeliveries(a)
	s.restCatalogue(a)
	s.restHealth(a)
	s.restBMCs(a)
	s.restSettings(a)
	s.restMedia(a)
	s.restTrust(a)
	s.restKeyring(a)
	s.restStorage(a)
	s.restScan(a)
	s.restConsole(a)
	s.restFirmware(a)
	s.restPlaces(a)
	s.restTests(a)
	s.restOutliers(a)
	s.restCompare(a)
	s.restFindings(a)
	s.restModels(a)
	s.restAcceptance(a)
	s.restCertificates(a)
	s.restSearch(a)
	s.restPlan(a)
	s.restCabling(a)
	s.restNetBox(a)
	s.restPapers(a)
	s.restParts(a)
	s.restAisle(a)
	maps.DeleteFunc(config.Components.Schemas.Map(), func(name string, _ *huma.Schema) bool { return strings.HasPrefix(name, "huma") })
}

// schemaName tells the wire's types from those of package hardware, which has some of the same names.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	switch {
	case strings.HasSuffix(t.PkgPath(), "/hardware"):
		return "Hardware" + name
	case strings.HasSuffix(t.PkgPath(), "/huma/v2"):
		return "huma" + name // its own errors, which asProblem replaces: rest takes them out of the description
	}
	return name
}

// register adds an operation whose errors are problems and whose description says so.
func register[I, O any](s *Server, a huma.API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	schema := a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")
	op.Responses = map[string]*huma.Response{
		"default": {
			Description: "the request was refused or failed",
			Content:     map[string]*huma.MediaType{api.ContentTypeProblem: {Schema: schema}},
		},
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, problem{s.problemOf(ctx, err)}
		}
		return out, nil
	})
}

func get(id, path, summary, tag string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{tag}}
}

// post is an operation that changes something; its body is at most 64 KiB.
func post(id, path, summary, tag string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, Tags: []string{tag},
		MaxBodyBytes: 64 << 10}
}

// body is an answer of one value.
type body[T any] struct{ Body T }

// none is an input without parameters.
type none struct{}
