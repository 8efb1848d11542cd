package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"socle/api"
	"socle/inventory"
)

// eventQuery chooses events of the history.
type eventQuery struct {
	After   int64  `query:"after" minimum:"0" doc:"only events with a greater sequence number"`
	Machine string `query:"machine" maxLength:"200" doc:"only events of this machine: name, ID or serial number"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Latest  bool   `query:"latest" doc:"the newest events instead of the oldest; in ascending order all the same"`
}

// streamQuery says where a stream starts.
type streamQuery struct {
	After       int64  `query:"after" minimum:"-1" default:"-1" doc:"only events with a greater sequence number; -1: only what happens from now on"`
	Machine     string `query:"machine" maxLength:"200" doc:"only events of this machine: name, ID or serial number"`
	LastEventID string `header:"Last-Event-ID" maxLength:"20" doc:"sequence number of the last event that was received; wins over after"`
}

func (s *Server) restEvents(a huma.API) {
	register(s, a, get("list-events", api.PathEvents, "List events of the history", "events"), s.listEvents)
	op := get("stream-events", api.PathStream, "Follow the history as server-sent events; resumable by Last-Event-ID", "events")
	register(s, a, op, s.streamEvents)
	res := a.OpenAPI().Paths[api.PathStream].Get.Responses["200"]
	res.Description = `events named "event", each with its sequence number as id and an Event as data`
	res.Content = map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}
}

func (s *Server) listEvents(ctx context.Context, in *eventQuery) (*body[api.EventList], error) {
	id, err := s.machineID(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	events, err := s.events(ctx, inventory.EventFilter{Machine: id, After: in.After, Limit: in.Limit, Latest: in.Latest})
	if err != nil {
		return nil, err
	}
	list := api.EventList{Events: []api.Event{}, Next: in.After}
	for _, e := range events {
		list.Events = append(list.Events, eventOut(e))
		list.Next = e.Seq
	}
	return &body[api.EventList]{list}, nil
}

// machineID resolves what a person calls a machine; nothing stays nothing.
func (s *Server) machineID(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	m, err := s.o.Inventory.Machine(ctx, ref)
	return m.ID, err
}

// events reads the history in ascending order.
func (s *Server) events(ctx context.Context, f inventory.EventFilter) ([]inventory.Event, error) {
	events, err := s.o.History.Events(ctx, f)
	if err != nil {
		return nil, err
	}
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b inventory.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return events, nil
}

// latest is the newest events of a machine, or of everything, in ascending order.
func (s *Server) latest(ctx context.Context, machineID string, limit int) ([]inventory.Event, error) {
	return s.events(ctx, inventory.EventFilter{Machine: machineID, Limit: limit, Latest: true})
}

// newestSeq is the sequence number of the last event there is.
func (s *Server) newestSeq(ctx context.Context) (int64, error) {
	events, err := s.latest(ctx, "", 1)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[len(events)-1].Seq, nil
}

func (s *Server) streamEvents(ctx context.Context, in *streamQuery) (*huma.StreamResponse, error) {
	id, err := s.machineID(ctx, in.Machine)
	if err != nil {
		return nil, err
	}
	after := in.After
	if in.LastEventID != "" {
		if after, err = strconv.ParseInt(in.LastEventID, 10, 64); err != nil || after < 0 {
			return nil, newProblem(http.StatusBadRequest, "Last-Event-ID is not a sequence number")
		}
	}
	if after < 0 {
		if after, err = s.newestSeq(ctx); err != nil {
			return nil, err
		}
	}
	if !s.enterStream() {
		return nil, newProblem(http.StatusServiceUnavailable, "too many event streams are open; try again later")
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer s.leaveStream()
		w := newSSE(humaecho.Unwrap(hc).Response())
		s.follow(ctx, w, inventory.EventFilter{Machine: id, After: after}, func(e inventory.Event) error {
			data, err := json.Marshal(eventOut(e))
			if err != nil {
				return err
			}
			return w.send(e.Seq, "event", data)
		})
	}}, nil
}
