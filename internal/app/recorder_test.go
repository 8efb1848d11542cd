package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"socle/inventory"
)

// shelf keeps evidence, unless it is away.
type shelf struct {
	lines []inventory.Evidence
	most  int // lines of the largest batch
	away  bool
}

func (s *shelf) AddEvidence(_ context.Context, lines []inventory.Evidence) error {
	if s.away {
		return errors.New("away")
	}
	s.lines, s.most = append(s.lines, lines...), max(s.most, len(lines))
	return nil
}

func (r *recorder) page(t *testing.T) string {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(r)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Body.String()
}

func TestRecorderKeepsAQuietClientBesideALoudOne(t *testing.T) {
	s := &shelf{}
	r := newRecorder(s, nil, slog.New(slog.DiscardHandler))
	for range 100_000 {
		r.Record(inventory.Evidence{MAC: "52:54:00:00:00:01"})
	}
	r.Record(inventory.Evidence{MAC: "52:54:00:00:00:02"})
	if !r.flush(t.Context()) || r.flush(t.Context()) {
		t.Error("there was no batch, or there were two")
	}
	if n := len(s.lines); n != evidenceEach+1 || s.lines[n-1].MAC != "52:54:00:00:00:02" {
		t.Errorf("%d lines were stored", n)
	}
	if page := r.page(t); !strings.Contains(page, `socle_boot_evidence_lost_total{why="noisy"} 99936`) || !strings.Contains(page, "socle_boot_evidence_lines_total 65") {
		t.Errorf("metrics:\n%s", page)
	}
}

// TestRecorderStaysSmall floods it from many MACs while the database is away, then lets it write.
func TestRecorderStaysSmall(t *testing.T) {
	s := &shelf{away: true}
	r := newRecorder(s, nil, slog.New(slog.DiscardHandler))
	flood := func(n int) {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range n / 4 {
					r.Record(inventory.Evidence{MAC: fmt.Sprintf("52:54:%02x:%02x:%02x:%02x", w, i>>16, i>>8&255, i&255), Asked: "x"})
				}
			})
		}
		wg.Wait()
		r.flush(t.Context())
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	flood(20_000)
	before := heap()
	flood(400_000)
	if after := heap(); after > before+2<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	s.away = false
	batches := 0
	for r.flush(t.Context()) {
		batches++
	}
	// The first batch was taken out of the queue before the flood filled it.
	if len(s.lines) != evidenceQueue+evidenceBatch || s.most > evidenceBatch || batches != len(s.lines)/evidenceBatch {
		t.Errorf("%d lines in %d batches, the largest of %d", len(s.lines), batches, s.most)
	}
	want := fmt.Sprintf(`socle_boot_evidence_lost_total{why="overflow"} %d`, 420_000-len(s.lines))
	if page := r.page(t); !strings.Contains(page, want) || !strings.Contains(page, "socle_boot_evidence_waiting 0") {
		t.Errorf("metrics lack %s:\n%s", want, page)
	}
}

func TestRecorderWritesTheRestAtItsEnd(t *testing.T) {
	s := &shelf{}
	r := newRecorder(s, nil, slog.New(slog.DiscardHandler))
	for i := range 3000 {
		r.Record(inventory.Evidence{MAC: fmt.Sprintf("52:54:00:00:%02x:%02x", i>>8, i&255)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, r.run(ctx))
	if len(s.lines) != 3000 {
		t.Errorf("%d of 3000 lines were stored", len(s.lines))
	}
}
