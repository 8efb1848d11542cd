package web_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/web"
	"socle/web/webtest"
)

// listen opens a stream and returns its lines, without those that say nothing.
func listen(t *testing.T, target string, header ...string) (lines <-chan string, cancel func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+webtest.AdminToken)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if ct := res.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Fatalf("media type %q", ct)
	}
	c := make(chan string, 100)
	go func() {
		defer close(c)
		defer func() { _ = res.Body.Close() }()
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			if text := s.Text(); strings.HasPrefix(text, "id: ") {
				c <- text
			}
		}
	}()
	return c, cancel
}

func wantLine(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	select {
	case got := <-lines:
		if got != want {
			t.Fatalf("the stream says %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("the stream does not say %q", want)
	}
}

func TestStream(t *testing.T) {
	world, srv := start(t) // with 16 events
	lines, cancel := listen(t, srv.URL+"/api/v1/events/stream")
	defer cancel()
	world.Append(inventory.Event{Machine: "id-hv01", Name: "hv01", Kind: "test", Reason: "line one\nid: 99\ndata: forged"})
	wantLine(t, lines, "id: 17") // nothing of before, and no forged line
	world.Append(inventory.Event{Machine: "id-hv02", Name: "hv02", Kind: "test"})
	wantLine(t, lines, "id: 18")
	cancel()

	resumed, cancel := listen(t, srv.URL+"/api/v1/events/stream?after=3", "Last-Event-ID", "16")
	wantLine(t, resumed, "id: 17")
	wantLine(t, resumed, "id: 18")
	cancel()

	one, cancel := listen(t, srv.URL+"/api/v1/events/stream?after=0&machine=hv02")
	wantLine(t, one, "id: 7") // the first of hv02
	cancel()
}

// TestStreamSeesOthers: what another process commits brings no tick, and is found all the same.
func TestStreamSeesOthers(t *testing.T) {
	world := webtest.New(t.TempDir(), time.Now)
	world.Fill()
	o := world.Options()
	o.Changes = silent{}
	srv := serve(t, o)
	lines, cancel := listen(t, srv.URL+"/api/v1/events/stream")
	defer cancel()
	world.Append(inventory.Event{Kind: "test"})
	wantLine(t, lines, "id: 17")
}

type silent struct{}

func (silent) Subscribe() (<-chan struct{}, func()) { return nil, func() {} }

func TestDrain(t *testing.T) {
	world := webtest.New(t.TempDir(), time.Now)
	o := world.Options()
	o.PlainHTTP = true
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptestServer(t, s)
	lines, cancel := listen(t, srv+"/api/v1/events/stream")
	defer cancel()
	polled := make(chan int, 1)
	go func() {
		res, _ := call(t, http.MethodGet, srv+"/agent/v1/orders/next?wait=50s", webtest.AgentToken, "")
		polled <- res.StatusCode
	}()
	time.Sleep(100 * time.Millisecond) // both are to be waiting
	s.Drain()
	select {
	case _, more := <-lines:
		if more {
			t.Error("the stream said something")
		}
	case <-time.After(30 * time.Second):
		t.Error("the stream is still open")
	}
	select {
	case status := <-polled:
		if status != http.StatusNoContent {
			t.Errorf("the long poll ended with %d", status)
		}
	case <-time.After(30 * time.Second):
		t.Error("the long poll still waits")
	}
}
