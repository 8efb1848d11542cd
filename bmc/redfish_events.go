package bmc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// eventService is what a controller says of its events (DMTF schema EventService).
type eventService struct {
	Subscriptions      link
	ServerSentEventURI string   `json:"ServerSentEventUri"`
	Kinds              []string `json:"EventTypesForSubscription"`
}

func (r *redfishReader) eventService(ctx context.Context) (eventService, error) {
	var root struct{ EventService link }
	var s eventService
	err := r.get("/redfish/v1/", &root)
	if err == nil && !root.EventService.ok() {
		return s, fmt.Errorf("%w: it tells of no events", ErrUnsupported)
	}
	if err == nil {
		err = r.get(root.EventService.ID, &s)
	}
	return s, redfishError(ctx, err)
}

// stream implements teller. Its connection and its session live until it is closed.
func (p *redfish) stream(ctx context.Context, t Target) (io.ReadCloser, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	opening := context.AfterFunc(ctx, end)
	s, err := p.openStream(life, t, end)
	if err == nil && !opening() {
		err = errors.Join(ctx.Err(), s.Close())
	}
	if err != nil {
		end()
		return nil, redfishError(ctx, err)
	}
	return s, nil
}

func (p *redfish) openStream(life context.Context, t Target, end func()) (*eventStream, error) {
	opened, err := p.open(life, t)
	if err != nil {
		return nil, err
	}
	r := opened.(*redfishReader)
	service, err := r.eventService(life)
	at := link{service.ServerSentEventURI}
	if err == nil && !at.ok() {
		err = fmt.Errorf("%w: it has no stream of events", ErrUnsupported)
	}
	if err == nil {
		var resp *http.Response
		if resp, err = r.client.GetWithHeaders(at.ID, map[string]string{"Accept": "text/event-stream"}); err == nil { //nolint:bodyclose // the stream closes it
			return &eventStream{ReadCloser: resp.Body, end: func() { _ = resp.Body.Close(); r.close(life); end() }}, nil
		}
	}
	r.close(life)
	return nil, err
}

// eventStream is an answer without end, of at most maxAnswers bytes, and the session that it belongs to.
type eventStream struct {
	io.ReadCloser
	once sync.Once
	end  func()
}

// Close implements io.Closer.
func (s *eventStream) Close() error {
	s.once.Do(s.end)
	return nil
}

// destination is a subscription of a controller (DMTF schema EventDestination).
type destination struct {
	link
	Destination, Context string
	Status               struct{ State string }
}

func (r *redfishReader) destinations(ctx context.Context, s eventService, owner string) (ours []destination, err error) {
	if !s.Subscriptions.ok() {
		return nil, fmt.Errorf("%w: it takes no subscriptions", ErrUnsupported)
	}
	all, err := r.collection(s.Subscriptions.ID, 64)
	if err != nil {
		return nil, redfishError(ctx, err)
	}
	for _, text := range all {
		var d destination
		if json.Unmarshal(text, &d) == nil && d.ok() && strings.HasPrefix(d.Context, owner) {
			ours = append(ours, d)
		}
	}
	return ours, nil
}

func (r *redfishReader) forget(ctx context.Context, all []destination) error {
	for _, d := range all {
		resp, err := r.client.Delete(d.ID)
		if err := finish(ctx, resp, err); err != nil {
			return err
		}
	}
	return nil
}

// subscribe implements teller.
func (p *redfish) subscribe(ctx context.Context, t Target, want Subscription) (bool, error) {
	opened, err := p.open(ctx, t)
	if err != nil {
		return false, err
	}
	defer opened.close(ctx)
	r := opened.(*redfishReader)
	service, err := r.eventService(ctx)
	if err != nil {
		return false, err
	}
	ours, err := r.destinations(ctx, service, want.Owner)
	if err != nil {
		return false, err
	}
	inForce := slices.IndexFunc(ours, func(d destination) bool {
		return d.Destination == want.Destination && d.Context == want.Context && (d.Status.State == "" || d.Status.State == "Enabled")
	})
	if inForce >= 0 {
		return false, r.forget(ctx, slices.Delete(ours, inForce, inForce+1))
	}
	if err := r.forget(ctx, ours); err != nil {
		return false, err
	}
	body := map[string]any{"Destination": want.Destination, "Context": want.Context, "Protocol": "Redfish"}
	err = r.post(ctx, service.Subscriptions.ID, body)
	if len(service.Kinds) > 0 && errors.Is(err, errRefused) { // before 2018 it had to be said of which kinds
		body["EventTypes"] = service.Kinds
		err = r.post(ctx, service.Subscriptions.ID, body)
	}
	return err == nil, err
}

// unsubscribe implements teller.
func (p *redfish) unsubscribe(ctx context.Context, t Target, owner string) error {
	opened, err := p.open(ctx, t)
	if err != nil {
		return err
	}
	defer opened.close(ctx)
	r := opened.(*redfishReader)
	service, err := r.eventService(ctx)
	if err != nil {
		return err
	}
	ours, err := r.destinations(ctx, service, owner)
	if err != nil {
		return err
	}
	return r.forget(ctx, ours)
}
