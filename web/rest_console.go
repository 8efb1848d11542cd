package web

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"socle/api"
	"socle/console"
)

type (
	recordingInput struct {
		MachineRef
		ID string `path:"id" maxLength:"40" doc:"of a recording; latest is the newest one"`
	}
	guestInput struct {
		MachineRef
		Body api.GuestRequest
	}
	searchInput struct {
		MachineRef
		Text   string `query:"text" required:"true" minLength:"1" maxLength:"500" doc:"found anywhere in a line, in any case"`
		Regexp bool   `query:"regexp" doc:"text is a regular expression (RE2)"`
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"of hits, the newest ones"`
	}
)

func (s *Server) restConsole(a huma.API) {
	if s.o.Consoles == nil {
		return
	}
	at := func(rest string) string { return api.PathMachines + "/{ref}" + api.PathConsole + rest }
	register(s, a, get("console-recordings", at("/recordings"), "Who sits at the console, and what is recorded of it", "console"), s.recordings)
	register(s, a, get("console-search", at("/search"), "Search what was recorded of the console", "console"), s.searchConsole)
	op := get("console-recording", at("/recordings/{id}"), "A recording as asciicast v2", "console")
	register(s, a, op, s.recording)
	res := a.OpenAPI().Paths[at("/recordings/{id}")].Get.Responses["200"]
	res.Description = "asciicast v2: a line of JSON with version, size and start, then one for each event"
	res.Content = map[string]*huma.MediaType{castType: {Schema: &huma.Schema{Type: huma.TypeString}}}
	register(s, a, post("grant-console", at(guestsPath), "A token that opens the console of this machine and nothing else", "console"),
		func(ctx context.Context, in *guestInput) (*body[api.GuestReply], error) {
			reply, err := s.o.Guests.Grant(ctx, actor(ctx), in.Ref, in.Body.Name, time.Duration(in.Body.Seconds)*time.Second)
			return &body[api.GuestReply]{reply}, err
		})
	end := get("revoke-console", at(guestsPath), "End all guests' tokens for the console of this machine", "console")
	end.Method = http.MethodDelete
	register(s, a, end, func(ctx context.Context, in *MachineRef) (*none, error) {
		return nil, s.o.Guests.Revoke(ctx, actor(ctx), in.Ref)
	})
	s.echo.GET(consoleRoute, s.console)
}

// castType is the media type of asciicast v2.
const castType = "application/x-asciicast"

func (s *Server) recordings(ctx context.Context, in *MachineRef) (*body[api.ConsoleStatus], error) {
	st, list, err := s.o.Consoles.Recordings(ctx, in.Ref)
	if err != nil {
		return nil, consoleProblem(err)
	}
	out := api.ConsoleStatus{Seats: []string{}, Recordings: []api.Recording{}}
	if st != nil {
		out.Open, out.State, out.Why, out.Holder = true, string(st.State), st.Why, st.Holder
		out.Seats = append(out.Seats, st.Seats...)
	}
	for _, r := range list {
		out.Recordings = append(out.Recordings, api.Recording{ID: r.ID, Start: r.Start, End: r.End, Bytes: r.Bytes, Open: st != nil && st.Current == r.ID})
	}
	return &body[api.ConsoleStatus]{out}, nil
}

func (s *Server) searchConsole(ctx context.Context, in *searchInput) (*body[api.ConsoleHits], error) {
	text := in.Text
	if !in.Regexp {
		text = "(?i)" + regexp.QuoteMeta(text)
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "the regular expression is wrong: "+err.Error())
	}
	hits, err := s.o.Consoles.Search(ctx, actor(ctx), in.Ref, pattern, in.Limit)
	if err != nil {
		return nil, consoleProblem(err)
	}
	out := api.ConsoleHits{Hits: []api.ConsoleHit{}}
	for _, h := range hits {
		out.Hits = append(out.Hits, api.ConsoleHit(h))
	}
	return &body[api.ConsoleHits]{out}, nil
}

func (s *Server) recording(ctx context.Context, in *recordingInput) (*huma.StreamResponse, error) {
	id := in.ID
	if id == "latest" {
		id = ""
	}
	r, err := s.o.Consoles.Replay(ctx, actor(ctx), in.Ref, id)
	if err != nil {
		return nil, consoleProblem(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer func() { _ = r.Close() }()
		hc.SetHeader("Content-Type", castType)
		_ = console.WriteCast(hc.BodyWriter(), r, in.Ref) // the client is gone, or the recording ends early
	}}, nil
}
