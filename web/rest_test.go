package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/web/webtest"
)

func TestOpenAPI(t *testing.T) {
	_, srv := start(t)
	res, body := call(t, http.MethodGet, srv.URL+"/api/openapi.json", "", "")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	golden(t, "../docs/openapi.json", b.Bytes())
}

func TestVerbs(t *testing.T) {
	world, srv := start(t)
	post := func(path, body string) (int, string) {
		res, text := call(t, http.MethodPost, srv.URL+path, webtest.AdminToken, body)
		if res.StatusCode >= 400 {
			return res.StatusCode, problem(t, res, text).Code
		}
		return res.StatusCode, text
	}
	for _, tc := range []struct {
		name, path, body string
		status           int
		code             string // of a problem, or part of the answer
	}{
		{"deploy", "/api/v1/machines/st02/deploy", `{"serial":"SMC-6029-0102"}`, 200, `"intent":"active"`},
		{"deploy by serial", "/api/v1/machines/SMC-6029-0102/deploy", `{"serial":"SMC-6029-0102","role":"storage"}`, 200, `"name":"st02"`},
		{"wrong serial", "/api/v1/machines/st02/deploy", `{"serial":"SMC-6029-0103"}`, 422, api.ErrSerial},
		{"no serial", "/api/v1/machines/st02/deploy", `{}`, 422, api.ErrInvalid},
		{"held", "/api/v1/machines/stray-9f31/deploy", `{"serial":"QX-77-9F31"}`, 409, api.ErrHeld},
		{"hold", "/api/v1/machines/hv01/hold", `{"reason":"new fan"}`, 200, `"reason":"new fan"`},
		{"hold without reason", "/api/v1/machines/hv01/hold", `{"reason":""}`, 422, api.ErrInvalid},
		{"release", "/api/v1/machines/hv01/release", ``, 200, `"name":"hv01"`},
		{"inspect", "/api/v1/machines/hv01/inspect", ``, 200, `"name":"hv01"`},
		{"power", "/api/v1/machines/hv01/power", `{"action":"off"}`, 200, `"power":"off"`},
		{"power action", "/api/v1/machines/hv01/power", `{"action":"explode"}`, 422, api.ErrInvalid},
		{"power policy", "/api/v1/machines/hv01/power-policy", `{"policy":"restore"}`, 200, `"policy":"restore"`},
		{"unknown power policy", "/api/v1/machines/hv01/power-policy", `{"policy":"cycle"}`, 422, api.ErrInvalid},
		{"no machine", "/api/v1/machines/nobody/hold", `{"reason":"x"}`, 404, api.ErrNotFound},
		{"no JSON", "/api/v1/machines/hv01/hold", `{"reason":`, 400, api.ErrInvalid},
		{"unknown field", "/api/v1/machines/hv01/hold", `{"reason":"x","force":true}`, 422, api.ErrInvalid},
		{"too long", "/api/v1/machines/hv01/hold", `{"reason":"` + strings.Repeat("x", 70<<10) + `"}`, 413, "too-large"},
		{"unknown query", "/api/v1/machines/hv01/release?force=1", ``, 422, api.ErrInvalid},
		{"build out", "/api/v1/buildout", `{"machines":["st02"]}`, 200, `"started":["st02"]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, text := post(tc.path, tc.body)
			if status != tc.status || !strings.Contains(text, tc.code) {
				t.Errorf("%d %.300s, want %d with %q", status, text, tc.status, tc.code)
			}
		})
	}
	want := []string{
		"token:admin deploy  st02", "token:admin deploy storage st02", "token:admin hold hv01", "token:admin release hv01",
		"token:admin inspect hv01", "token:admin power off hv01", "token:admin power policy restore hv01", "token:admin buildout st02",
	}
	if diff := cmp.Diff(want, world.Calls()); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
}

// TestInternalErrors: what goes wrong inside is not told, and can be found by its id.
func TestInternalErrors(t *testing.T) {
	world, srv := start(t)
	world.Fail(errors.New("dial tcp 10.0.0.7:5432: password=hunter2"))
	for _, path := range []string{"/api/v1/machines", "/api/v1/machines/hv01", "/api/v1/events", "/api/v1/events/stream", "/api/v1/images"} {
		res, body := call(t, http.MethodGet, srv.URL+path, webtest.AdminToken, "")
		p := problem(t, res, body)
		if res.StatusCode != http.StatusInternalServerError || strings.Contains(body, "hunter2") || !strings.Contains(p.Detail, res.Header.Get("X-Request-Id")) {
			t.Errorf("GET %s: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestManifest(t *testing.T) {
	world, srv := start(t)
	send := func(query, csv string) (*http.Response, string) {
		return call(t, http.MethodPost, srv.URL+"/api/v1/manifests"+query, webtest.AdminToken, csv, "Content-Type", "text/csv")
	}
	res, body := send("", "name,serial\nbad,\nhv09,S9\nbad,\n")
	p := problem(t, res, body)
	if len(p.Errors) != 2 || p.Errors[1].Location != "line 4, column serial" {
		t.Errorf("errors of a bad manifest: %+v", p)
	}
	if res, body := send("?dry_run=true", "name,serial\nhv09,S9\n"); res.StatusCode != 200 || !strings.Contains(body, `"dry_run":true`) {
		t.Errorf("dry run: %d %s", res.StatusCode, body)
	}
	if res, body := send("", "name,serial\nhv09,S9\n"); res.StatusCode != 200 || !strings.Contains(body, `"added":["hv09"]`) {
		t.Errorf("import: %d %s", res.StatusCode, body)
	}
	// A line of ten megabytes reaches the importer, whose business it is.
	if res, body := send("?dry_run=true", "name,serial\n"+strings.Repeat("x", 10<<20)+"\n"); res.StatusCode != 200 {
		t.Errorf("a long line: %d %.200s", res.StatusCode, body)
	}
	res, body = send("", strings.Repeat("x", 33<<20))
	if p := problem(t, res, body); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("33 MiB: %+v", p)
	}
	if diff := cmp.Diff([]string{"token:admin import hv09"}, world.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestHeaders(t *testing.T) {
	_, srv := start(t)
	for _, path := range []string{"/login", "/healthz", "/api/v1/machines", "/assets/socle.js", "/nothing"} {
		res, _ := call(t, http.MethodGet, srv.URL+path, "", "", "X-Request-Id", "mine")
		for name, part := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if !strings.Contains(res.Header.Get(name), part) {
				t.Errorf("GET %s: %s is %q", path, name, res.Header.Get(name))
			}
		}
		if strings.Contains(res.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("GET %s: the policy allows something unsafe", path)
		}
		if id := res.Header.Get("X-Request-Id"); id == "" || strings.HasPrefix(id, "mine") {
			t.Errorf("GET %s: request id %q", path, id)
		}
	}
}

func TestCompression(t *testing.T) {
	world, srv := start(t)
	name, err := world.AddChunk(bytes.Repeat([]byte("a"), 5000))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ path, token, want string }{
		{"/api/v1/machines", webtest.AdminToken, "gzip"},
		{"/agent/v1/chunks/" + name, webtest.AgentToken, ""},
	} {
		res, _ := call(t, http.MethodGet, srv.URL+tc.path, tc.token, "", "Accept-Encoding", "gzip")
		if got := res.Header.Get("Content-Encoding"); res.StatusCode != 200 || got != tc.want {
			t.Errorf("GET %s: %d, encoding %q, want %q", tc.path, res.StatusCode, got, tc.want)
		}
	}
}
