// Package agenttest is a small server of the agent protocol for tests: real HTTPS with an own CA, orders and
// images in memory, and faults to order.
package agenttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"socle/api"
)

// Server serves one machine.
type Server struct {
	*httptest.Server
	CA string // SHA-256 of the CA's DER

	mu       sync.Mutex
	ca       *authority
	changed  chan struct{} // closed and replaced at every change
	session  string
	token    string
	bootID   string
	ended    bool
	orders   []*Order
	facts    []api.FactsPost
	links    []api.LinksPost
	sessions []api.SessionRequest
	indexes  map[string][]byte
	chunks   map[string][]byte
	fault    func(w http.ResponseWriter, r *http.Request) bool
	fetched  map[string]int
}

// Order is an order with the reports that came, each Seq once.
type Order struct {
	api.Order
	Reports []api.Report
	Final   *api.Report
}

// New starts a server on the loopback; it ends with the test.
func New(t testing.TB) *Server {
	s := &Server{changed: make(chan struct{}), indexes: map[string][]byte{}, chunks: map[string][]byte{}, fetched: map[string]int{},
		session: uuid.NewString(), token: uuid.NewString()}
	s.Server = httptest.NewUnstartedServer(s.handler())
	s.ca = newAuthority(t)
	s.CA = s.ca.fingerprint()
	s.TLS = s.ca.config(t)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// SetFault installs a hook that sees every request first; it answers true when it dealt with it.
func (s *Server) SetFault(fn func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fn
}

// Hangup closes the connection of a request without an answer.
func Hangup(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// End ends the session: everything is answered 401 from now on.
func (s *Server) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.notify()
}

// Session is the session's id.
func (s *Server) Session() string { return s.session }

// Issue queues an order for the machine with a serial number and returns its id.
func (s *Server) Issue(kind, serial string, params any) string {
	raw, err := json.Marshal(params)
	if err != nil {
		panic(err)
	}
	return s.IssueOrder(api.Order{ID: uuid.NewString(), Session: s.session, Kind: kind, Serial: serial, Params: raw})
}

// IssueOrder queues an order as it is; an order with the same id is replaced and handed out again.
func (s *Server) IssueOrder(o api.Order) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = append(s.orders, &Order{Order: o})
	s.notify()
	return o.ID
}

// Wait waits for an order's final report (of its last issue).
func (s *Server) Wait(ctx context.Context, id string) (Order, error) {
	for {
		s.mu.Lock()
		changed := s.changed
		var o Order
		for _, x := range s.orders {
			if x.ID == id {
				o = *x
			}
		}
		s.mu.Unlock()
		if o.Final != nil {
			return o, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return o, fmt.Errorf("order %s (%s) has no final report after %d reports: %w", id, o.Kind, len(o.Reports), ctx.Err())
		}
	}
}

// Facts returns the posts so far.
func (s *Server) Facts() []api.FactsPost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]api.FactsPost(nil), s.facts...)
}

// WaitFacts waits for so many posts.
func (s *Server) WaitFacts(ctx context.Context, n int) ([]api.FactsPost, error) {
	return await(ctx, s, n, s.Facts)
}

// WaitLinks waits until so often was told what is plugged in.
func (s *Server) WaitLinks(ctx context.Context, n int) ([]api.LinksPost, error) {
	return await(ctx, s, n, func() []api.LinksPost {
		s.mu.Lock()
		defer s.mu.Unlock()
		return append([]api.LinksPost(nil), s.links...)
	})
}

func await[T any](ctx context.Context, s *Server, n int, get func() []T) ([]T, error) {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if all := get(); len(all) >= n {
			return all, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Sessions returns the session requests so far.
func (s *Server) Sessions() []api.SessionRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]api.SessionRequest(nil), s.sessions...)
}

// Fetched tells how often each chunk was asked for.
func (s *Server) Fetched() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[string]int{}
	for k, v := range s.fetched {
		m[k] = v
	}
	return m
}

// AddImage stores a raw image and returns its digest and index.
func (s *Server) AddImage(t testing.TB, raw []byte, chunk int64, change func(*api.Index)) (digest string, ix api.Index) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	ix = api.Index{Name: "test", Kind: "disk", Size: int64(len(raw)), ChunkSize: chunk, Firmware: []string{"bios", "uefi"}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for off := int64(0); off < int64(len(raw)); off += chunk {
		b := raw[off:min(off+chunk, int64(len(raw)))]
		if len(strings.Trim(string(b), "\x00")) == 0 {
			ix.Chunks = append(ix.Chunks, api.Chunk{Zero: true})
			continue
		}
		sum := sha256.Sum256(b)
		name, frame := hex.EncodeToString(sum[:]), enc.EncodeAll(b, nil)
		s.chunks[name] = frame
		ix.Chunks = append(ix.Chunks, api.Chunk{SHA256: name, Stored: int64(len(frame))})
	}
	if change != nil {
		change(&ix)
	}
	text, err := json.Marshal(ix)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	digest = "sha256:" + hex.EncodeToString(sum[:])
	s.indexes[digest] = text
	return digest, ix
}

// SetChunk replaces what is served for a chunk.
func (s *Server) SetChunk(sum string, frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks[sum] = frame
}

// next is the oldest order that has no final report.
func (s *Server) next() *api.Order {
	for _, o := range s.orders {
		if o.Final == nil {
			return &o.Order
		}
	}
	return nil
}

// deadline of a long poll in tests.
const pollFor = 5 * time.Second
