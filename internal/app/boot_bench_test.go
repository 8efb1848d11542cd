package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"socle/internal/config"
	"socle/inventory"
	"socle/inventory/store"
)

// BenchmarkBootScript is a boot script of a known machine from request to answer, with everything but the network.
func BenchmarkBootScript(b *testing.B) {
	for _, n := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := config.Default()
			c.DataDir, c.Services = b.TempDir(), []string{"boot"}
			k, err := open(b.Context(), c, "test", slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer k.close()
			rows := make([]store.Planned, n)
			for i := range rows {
				rows[i].Planned = inventory.Planned{Line: i + 2, Name: fmt.Sprint("m", i), Identity: inventory.Identity{
					Serial: fmt.Sprint("SN-", i), UUID: fmt.Sprintf("5ca1ab1e-0000-4000-8000-%012x", i), NICMACs: []string{fmt.Sprintf("525400%06x", i)}}}
			}
			if _, err := k.store.Import(b.Context(), rows, "test", false); err != nil {
				b.Fatal(err)
			}
			// A first look would move each of them on: they have been looked at.
			if _, err := k.store.SQL().ExecContext(b.Context(), "UPDATE machines SET state = 'discovered'"); err != nil {
				b.Fatal(err)
			}
			if err := k.view.Refresh(b.Context()); err != nil {
				b.Fatal(err)
			}
			h, err := k.bootHandlers()
			if err != nil {
				b.Fatal(err)
			}
			var requests []*http.Request
			for i := range 10 {
				i = i * n / 10
				requests = append(requests, httptest.NewRequest(http.MethodGet, fmt.Sprintf(
					"/boot/script.ipxe?mac=52:54:00:%02x:%02x:%02x&uuid=5ca1ab1e-0000-4000-8000-%012x&arch=x86_64&platform=efi&serial=SN-%d&asset=",
					i>>16, i>>8&255, i&255, i, i), nil))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				w := &answer{header: http.Header{}}
				if i++; i%1000 == 0 {
					if err := k.view.Refresh(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				h.ServeHTTP(w, requests[i%len(requests)])
				if w.header.Get("Socle-Answer") != "ramdisk" {
					b.Fatalf("answer %v", w.header)
				}
			}
		})
	}
}

// answer throws a body away.
type answer struct{ header http.Header }

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(int)             {}
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
