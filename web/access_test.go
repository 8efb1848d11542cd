package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// TestAccess asks every route there is without a token, with a wrong one and with the tokens of the others.
func TestAccess(t *testing.T) {
	s := closed(t)
	// What may be called without a token. A route that is added here is opened on purpose.
	open := map[string]bool{
		"GET /healthz": true, "GET /readyz": true, "GET /metrics": true, "GET /login": true, "POST /login": true, "GET /assets/*": true,
		"GET /api/openapi.json": true, "GET /api/openapi.yaml": true, "GET /api/openapi-3.0.json": true, "GET /api/openapi-3.0.yaml": true,
		"POST /agent/v1/session": true, "POST /agent/v1/phone-home/:token": true,
	}
	seen := 0
	for _, r := range s.echo.Routes() {
		if r.Method == "echo_route_not_found" || open[r.Method+" "+r.Path] {
			delete(open, r.Method+" "+r.Path)
			continue
		}
		seen++
		path := strings.NewReplacer(":ref", "hv01", ":verb", "hold", ":order", "o1", ":digest", "sha256:"+strings.Repeat("a", 64), ":sha256", strings.Repeat("a", 64)).Replace(r.Path)
		for _, token := range []string{"", "wrong", "admin", "agent"} {
			fits := token == "admin" && strings.HasPrefix(path, "/api/") || token == "agent" && strings.HasPrefix(path, "/agent/")
			if fits {
				continue
			}
			res := ask(s, r.Method, path, token)
			if res.Code != http.StatusUnauthorized && res.Code != http.StatusForbidden {
				t.Errorf("%s %s with the token %q: status %d, want 401 or 403", r.Method, path, token, res.Code)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d closed routes were asked: the test does not see them all", seen)
	}
	for route := range open {
		t.Errorf("%s is meant to be open and is not there", route)
	}
}

// TestUnknownPathsNeedToken: who has no token does not learn which paths exist.
func TestUnknownPathsNeedToken(t *testing.T) {
	s := closed(t)
	for _, path := range []string{"/api/v1/nothing", "/api/", "/agent/v1/nothing", "/nothing", "/machines/../../etc/passwd"} {
		if res := ask(s, http.MethodGet, path, ""); res.Code != http.StatusUnauthorized {
			t.Errorf("GET %s without a token: %d, want 401", path, res.Code)
		}
	}
	for _, tc := range []struct {
		method, path string
		status       int
	}{{http.MethodGet, "/api/v1/nothing", 404}, {http.MethodDelete, "/api/v1/machines", 405}} {
		res := ask(s, tc.method, tc.path, "admin")
		var p api.Problem
		if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil || res.Code != tc.status || p.Code == "" || res.Header().Get("Content-Type") != api.ContentTypeProblem {
			t.Errorf("%s %s: %d %s, want a problem with status %d", tc.method, tc.path, res.Code, res.Body, tc.status)
		}
	}
}

func ask(s *Server, method, path, token string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader("{}"))
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res := httptest.NewRecorder()
	s.Handler().ServeHTTP(res, req)
	return res
}

// closed is a server whose every part panics when it is reached: a request that should not get through and does
// is a 500.
func closed(t *testing.T) *Server {
	t.Helper()
	n := nobody{}
	s, err := New(Options{
		Auth: doorkeeper{}, Inventory: n, History: n, Changes: n, Verbs: n, Power: noPower{}, Health: n, BMCs: n, Trust: n, Keyring: noRing{}, Settings: n, Disks: n, Drives: n, Finder: n, Importer: n, Catalogue: n,
		Baselines: noFlash{}, Campaigns: noFlash{}, Measured: noTests{}, Outliers: noTests{}, Searches: noTests{}, Planner: noTests{},
		Agents: noAgents{}, PhoneHome: noHome{}, Images: noImages{}, Metrics: http.NotFoundHandler(), Now: time.Now,
		Mappings: noLists{}, Deliveries: noLists{}, Findings: noFindings{},
		Cabling: noCables{}, Places: noPlaces{},
		Models:       noModels{},
		NetBox:       noNetBox{},
		Aisle:        noAisle{},
		Acceptance:   noVerdicts{},
		Papers:       noPapers{},
		Certificates: noSeals{},
		Parts:        noParts{},
		Compared:     noCompare{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
