package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/web/webtest"
)

var csrfField = regexp.MustCompile(`name="csrf" value="([A-Z0-9]+)"`)

func TestLogin(t *testing.T) {
	_, srv := start(t)
	anon := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, _ := page(t, anon, srv.URL+"/machines/hv01?x=1")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/login?next=%2Fmachines%2Fhv01%3Fx%3D1" {
		t.Errorf("without a session: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	res, body := do(t, anon, form(t, srv.URL+"/login", url.Values{"token": {"wrong"}}))
	if res.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "not the admin token") || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("with a wrong token: %d", res.StatusCode)
	}
	for next, want := range map[string]string{
		"//evil.example/": "/", "https://evil.example/": "/", `/\evil.example`: "/", "/machines/hv01": "/machines/hv01", "javascript:alert(1)": "/", "": "/", "/login": "/",
	} {
		res, _ := do(t, anon, form(t, srv.URL+"/login", url.Values{"token": {webtest.AdminToken}, "next": {next}}))
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
		c := res.Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, webtest.AdminToken) {
			t.Errorf("the cookie %+v is not as it must be", c)
		}
	}
}

// TestSecureCookie: with TLS, which is the rule, the cookie is marked so.
func TestSecureCookie(t *testing.T) {
	world := webtest.New(t.TempDir(), nil)
	o := world.Options()
	o.Now = nil
	srv := serveSecure(t, o)
	anon := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, _ := do(t, anon, form(t, srv+"/login", url.Values{"token": {webtest.AdminToken}}))
	if c := res.Cookies()[0]; !c.Secure || !strings.HasPrefix(c.Name, "__Host-") || c.Path != "/" {
		t.Errorf("the cookie %+v is not secure", c)
	}
}

func TestForms(t *testing.T) {
	world, srv := start(t)
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/machines/hv01")
	m := csrfField.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no form on the page: %.500s", body)
	}
	post := func(path string, v url.Values, header ...string) int {
		req := form(t, srv.URL+path, v)
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, _ := do(t, c, req)
		return res.StatusCode
	}
	for _, tc := range []struct {
		name   string
		status int
		path   string
		values url.Values
		header []string
	}{
		{"no csrf", 403, "/machines/hv01/hold", url.Values{"reason": {"x"}}, nil},
		{"wrong csrf", 403, "/machines/hv01/hold", url.Values{"reason": {"x"}, "csrf": {"AAAA"}}, nil},
		{"csrf in the query", 403, "/machines/hv01/hold?csrf=" + m[1], url.Values{"reason": {"x"}}, nil},
		{"from another site", 403, "/machines/hv01/hold", url.Values{"reason": {"x"}, "csrf": {m[1]}}, []string{"Sec-Fetch-Site", "cross-site"}},
		{"hold", 303, "/machines/hv01/hold", url.Values{"reason": {"new fan"}, "csrf": {m[1]}}, []string{"Sec-Fetch-Site", "same-origin"}},
		{"empty reason", 422, "/machines/hv01/hold", url.Values{"reason": {" "}, "csrf": {m[1]}}, nil},
		{"release", 303, "/machines/hv01/release", url.Values{"csrf": {m[1]}}, nil},
		{"power", 303, "/machines/hv01/power", url.Values{"csrf": {m[1]}, "action": {"cycle"}}, nil},
		{"power action", 422, "/machines/hv01/power", url.Values{"csrf": {m[1]}, "action": {"burn"}}, nil},
		{"unknown verb", 404, "/machines/hv01/burn", url.Values{"csrf": {m[1]}}, nil},
		{"wrong serial", 422, "/machines/hv01/deploy", url.Values{"csrf": {m[1]}, "serial": {"x"}}, nil},
		{"build out", 303, "/buildout", url.Values{"csrf": {m[1]}}, nil},
		{"log out", 303, "/logout", url.Values{"csrf": {m[1]}}, nil},
		{"logged out", 401, "/machines/hv01/hold", url.Values{"reason": {"x"}, "csrf": {m[1]}}, nil},
	} {
		if got := post(tc.path, tc.values, tc.header...); got != tc.status {
			t.Errorf("%s: status %d, want %d", tc.name, got, tc.status)
		}
	}
	want := []string{"token:admin hold hv01", "token:admin release hv01", "token:admin power cycle hv01", "token:admin buildout hv02,hv03,hv04,st01,st02,st03"}
	if diff := cmp.Diff(want, world.Calls()); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
}

func TestPages(t *testing.T) {
	_, srv := start(t)
	c := login(t, srv)
	for _, tc := range []struct {
		path     string
		status   int
		has, not []string
	}{
		{"/", 200, []string{"hv01", "1.9 GiB of 3.0 GiB", "188 MiB over the wire", "refuses the password", "correct the password", "is in no manifest", "state inspecting → ready"}, nil},
		{"/?state=fault", 200, []string{">hv04</a>"}, []string{`<a href="/machines/hv01">hv01</a><small>`}},
		{"/?q=6029", 200, []string{`href="/machines/st01"`}, []string{"SMC-2041"}},
		{"/?q=-name:hv01+hv", 200, []string{`<a href="/machines/hv02">hv02</a><small>`}, []string{`<a href="/machines/hv01">hv01</a><small>`}},
		{"/?q=state%3Anone+or+(x", 200, []string{"query, at character 15: this ( is not closed", "No machine fits"}, nil},
		{"/?q=@nobody", 200, []string{"there is no saved search of this name"}, nil},
		{"/?q=nothing+like+it", 200, []string{"No machine fits"}, nil},
		{"/machines/hv01", 200, []string{"leaf01", "swp7", "ZL2SMC-2041-00070", "libvirt 9.0.0 answered", "OFFER 198.18.0.101", "5be1c6b1f80a", "It boots:</b> The agent spoke", "The story (5 steps)", "boot file undionly.kpxe", "6\u00a0min\u00a01"}, nil},
		{"/machines/SMC-6029-0101", 200, []string{"SSG-640SP", "It was not booted", "never-seen"}, nil},
		{"/machines/nobody", 404, []string{"machine &#34;nobody&#34;: not found", "Back to the overview"}, nil},
		{"/nothing", 404, []string{"nothing under this path"}, nil},
	} {
		res, body := page(t, c, srv.URL+tc.path)
		if res.StatusCode != tc.status || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("GET %s: %d %s", tc.path, res.StatusCode, res.Header.Get("Content-Type"))
		}
		for _, s := range tc.has {
			if !strings.Contains(body, s) {
				t.Errorf("GET %s does not show %q", tc.path, s)
			}
		}
		for _, s := range tc.not {
			if strings.Contains(body, s) {
				t.Errorf("GET %s shows %q", tc.path, s)
			}
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, " style=") || regexp.MustCompile(`\son[a-z]+=`).MatchString(body) {
			t.Errorf("GET %s has script or style in the page, which its policy forbids", tc.path)
		}
	}
}

// TestMovesOfParts: a machine's page tells which part left it, and where it is now.
func TestMovesOfParts(t *testing.T) {
	_, srv := start(t)
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/machines/hv01")
	for _, text := range []string{"Parts that moved", "dimm M393", "<code>S2</code>", "2026-11-23", `<a href="/machines/hv02">`} {
		if !strings.Contains(body, text) {
			t.Errorf("no %q on the page", text)
		}
	}
	if _, body := page(t, c, srv.URL+"/machines/hv02"); strings.Contains(body, "Parts that moved") {
		t.Error("what was in a machine from the first inspection on is no move")
	}
}
