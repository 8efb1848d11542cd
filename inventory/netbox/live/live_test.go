package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"socle/internal/secret"
	"socle/inventory/netbox"
)

// box answers as NetBox does: pages of limit and offset, 403 with a detail to whom it does not know.
type box struct {
	token, prefix string
	devices       int
	next          string // what stands before the path in "next"
	macs          bool
	asked         []string
}

func (b *box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.asked = append(b.asked, r.URL.RequestURI())
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	path, under := strings.CutPrefix(r.URL.Path, b.prefix+"/api/dcim/")
	kind := strings.TrimSuffix(path, "/")
	switch {
	case r.Header.Get("Authorization") != b.token:
		answer(http.StatusForbidden, map[string]string{"detail": "Invalid v1 token"})
		return
	case !under || kind == "mac-addresses" && !b.macs:
		answer(http.StatusNotFound, map[string]string{"detail": "Not found."})
		return
	}
	count := 0
	if kind == "devices" {
		count = b.devices
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	results := []any{}
	for i := offset; i < min(offset+limit, count); i++ {
		results = append(results, map[string]any{"id": i, "url": fmt.Sprintf("%s%s/api/dcim/devices/%d/", b.next, b.prefix, i), "name": fmt.Sprintf("hv%04d", i), "serial": fmt.Sprintf("S%d", i),
			"role": map[string]any{"name": "Server", "slug": "server"}, "device_type": map[string]any{"model": "R650", "manufacturer": map[string]any{"name": "Dell"}}, "site": map[string]any{"name": "AMS"}})
	}
	var next any
	if offset+limit < count {
		next = fmt.Sprintf("%s%s?limit=%d&offset=%d&exclude=config_context", b.next, r.URL.Path, limit, offset+limit)
	}
	answer(http.StatusOK, map[string]any{"count": count, "next": next, "previous": nil, "results": results})
}

// TestFetch reads 1,201 devices in three pages from a NetBox behind a proxy that tells addresses of its own.
func TestFetch(t *testing.T) {
	for _, token := range []string{"0123456789abcdef", "nbt_key.0123"} {
		b := &box{token: map[bool]string{true: "Bearer ", false: "Token "}[strings.HasPrefix(token, "nbt_")] + token, prefix: "/netbox", devices: 1201, next: "http://inside.invalid:8080", macs: token[0] == 'n'}
		srv := httptest.NewTLSServer(b)
		files, err := Source{URL: srv.URL + "/netbox/", Token: secret.New(token), HTTP: srv.Client()}.Fetch(t.Context())
		srv.Close()
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 10, false: 9}[b.macs]; len(files) != want {
			t.Errorf("%d files, want %d", len(files), want)
		}
		d, err := netbox.Read(files)
		if err != nil || d.Count(netbox.Devices) != 1201 {
			t.Fatalf("%d devices, %v", d.Count(netbox.Devices), err)
		}
		p, err := netbox.Translate(d, netbox.Options{})
		if err != nil || len(p.Machines) != 1201 || p.Machines[1200].Name != "hv1200" {
			t.Errorf("%d machines, %v", len(p.Machines), err)
		}
		if all := strings.Join(b.asked, "\n"); !strings.Contains(all, "/netbox/api/dcim/devices/?exclude=config_context&limit=500&offset=1000") {
			t.Errorf("asked for\n%s", all)
		}
	}
}

func TestFetchRefuses(t *testing.T) {
	page := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	for _, c := range []struct {
		name string
		h    http.Handler
		want string
	}{
		{"wrong token", &box{token: "Token other"}, "403 Forbidden: Invalid v1 token: the token must be"},
		{"wrong path", &box{token: "Token t", prefix: "/nb"}, "404 Not Found: Not found.: is this the address"},
		{"a login page", page("<html>"), "no page of NetBox's REST API"},
		{"no results", page("{}"), "no page of NetBox's REST API"},
		{"a circle", page(`{"results":[],"next":"/api/dcim/locations/?limit=500"}`), "its next page is"},
		{"no query", page(`{"results":[],"next":"http://evil.invalid/"}`), "its next page is"},
		{"elsewhere", http.RedirectHandler("https://evil.invalid/", http.StatusFound), "302 Found: write the address to which it leads"},
	} {
		srv := httptest.NewServer(c.h)
		_, err := Source{URL: srv.URL, Token: secret.New("t"), HTTP: srv.Client()}.Fetch(t.Context())
		srv.Close()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "Token t") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, bad := range []string{"", "netbox.example", "https://user:hunter2@netbox.example", "ftp://x"} {
		if _, err := (Source{URL: bad, HTTP: http.DefaultClient}).Fetch(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
