package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"socle/api"
	"socle/web"
	"socle/web/webtest"
)

// watcher is one end of a console's WebSocket.
type watcher struct {
	t    *testing.T
	conn *websocket.Conn
	out  bytes.Buffer
	last api.ConsoleNotice
}

func dialConsole(t *testing.T, srv *httptest.Server, query string, header http.Header) (*watcher, *http.Response, error) {
	t.Helper()
	target := "ws" + strings.TrimPrefix(srv.URL, "http") + api.PathMachines + "/hv01/console" + query
	conn, res, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{HTTPHeader: header, HTTPClient: overHTTP1(srv)})
	if err != nil {
		return nil, res, err
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &watcher{t: t, conn: conn}, res, nil
}

// overHTTP1 is a client that trusts the server; HTTP/2 has no upgrade.
func overHTTP1(srv *httptest.Server) *http.Client {
	if srv.TLS == nil {
		return http.DefaultClient
	}
	c := *srv.Client()
	t := c.Transport.(*http.Transport).Clone()
	t.ForceAttemptHTTP2, t.TLSClientConfig.NextProtos = false, []string{"http/1.1"}
	c.Transport = t
	return &c
}

func bearer() http.Header { return http.Header{"Authorization": {"Bearer " + webtest.AdminToken}} }

func openConsole(t *testing.T, srv *httptest.Server, query string) *watcher {
	t.Helper()
	w, res, err := dialConsole(t, srv, query, bearer())
	if err != nil {
		t.Fatalf("%v: %+v", err, res)
	}
	return w
}

// until reads messages until what came fits.
func (w *watcher) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	for !ok() {
		kind, p, err := w.conn.Read(ctx)
		if err != nil {
			w.t.Fatalf("waiting for %s: %v; got %q and %+v", what, err, w.out.String(), w.last)
		}
		if kind == websocket.MessageBinary {
			w.out.Write(p)
			continue
		}
		w.last = api.ConsoleNotice{}
		if err := json.Unmarshal(p, &w.last); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *watcher) shows(text string) {
	w.t.Helper()
	w.until(text, func() bool { return strings.Contains(w.out.String(), text) })
}

func (w *watcher) send(kind websocket.MessageType, text string) {
	w.t.Helper()
	if err := w.conn.Write(w.t.Context(), kind, []byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

// TestConsole: one types and both see it; the other takes over, and the first is told.
func TestConsole(t *testing.T) {
	world, srv := start(t)
	one := openConsole(t, srv, "?cols=120&rows=40")
	one.shows("login: ")
	one.until("holding", func() bool { return one.last.Holding && one.last.State == "up" })
	two := openConsole(t, srv, "?watch=true")
	two.shows("login: ") // what was there before it came
	one.send(websocket.MessageBinary, "root\r")
	one.shows("root\r")
	two.shows("root\r")
	two.send(websocket.MessageBinary, "x")
	two.until("a refusal", func() bool { return strings.Contains(two.last.Text, "you are watching") })
	two.send(websocket.MessageText, `{"do":"take"}`)
	one.until("the loss", func() bool { return !one.last.Holding && strings.Contains(one.last.Text, "took the console over from") })
	two.send(websocket.MessageText, `{"do":"break"}`)
	two.shows("<break>")
	for _, bad := range []string{`{"do":"fly"}`, `no json`} {
		two.last.Text = ""
		two.send(websocket.MessageText, bad)
		two.until("a refusal", func() bool { return strings.Contains(two.last.Text, "command") })
	}
	two.send(websocket.MessageText, `{"do":"release"}`)
	one.until("nobody", func() bool { return one.last.Holder == "" })
	calls := strings.Join(world.Calls(), "\n")
	for _, want := range []string{"token:admin from 127.0.0.1 opened the console of hv01", "opened the console to watch of hv01", "took the console over from token:admin from 127.0.0.1 of hv01"} {
		if !strings.Contains(calls, want) {
			t.Errorf("not written down: %s\n%s", want, calls)
		}
	}
}

// TestConsoleAccess: a console is opened by a token, or by a page of this server whose session is good, and by nobody else.
func TestConsoleAccess(t *testing.T) {
	_, srv := start(t)
	cookie := ""
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range login(t, srv).Jar.Cookies(at) {
		cookie = c.Name + "=" + c.Value
	}
	for _, c := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"nobody", http.Header{}, 401},
		{"wrong token", http.Header{"Authorization": {"Bearer x"}}, 401},
		{"agent", http.Header{"Authorization": {"Bearer " + webtest.AgentToken}}, 401},
		{"page without an origin", http.Header{"Cookie": {cookie}}, 403},
		{"page of elsewhere", http.Header{"Cookie": {cookie}, "Origin": {"https://evil.example"}}, 403},
		{"old session", http.Header{"Cookie": {"socle-session=x"}, "Origin": {srv.URL}}, 401},
		{"own page", http.Header{"Cookie": {cookie}, "Origin": {srv.URL}}, 101},
		{"token with a foreign origin", http.Header{"Authorization": bearer()["Authorization"], "Origin": {"https://evil.example"}}, 403},
	} {
		_, res, err := dialConsole(t, srv, "", c.header)
		if res == nil || res.StatusCode != c.status {
			t.Errorf("%s: %v, %+v", c.name, err, res)
		}
	}
	res, body := call(t, http.MethodGet, srv.URL+api.PathMachines+"/hv01/console", webtest.AdminToken, "")
	if res.StatusCode != http.StatusUpgradeRequired || problem(t, res, body).Code != "upgrade-required" {
		t.Errorf("without an upgrade: %d %s", res.StatusCode, body)
	}
}

// TestConsoleGuest: a guest's token opens one console and its recordings, and nothing else; it is taken back at once.
func TestConsoleGuest(t *testing.T) {
	_, srv := start(t)
	header := http.Header{"Authorization": {"Bearer " + webtest.GuestToken}}
	w, res, err := dialConsole(t, srv, "", header)
	if err != nil {
		t.Fatalf("%v: %+v", err, res)
	}
	w.until("holding", func() bool { return w.last.Holder == "guest:gerda from 127.0.0.1" })
	w.shows("login: ")
	for path, status := range map[string]int{
		"/hv01/console/recordings": 200, "/hv01/console/recordings/latest": 200, "/hv01/console/search?text=x": 200,
		"/hv02/console/recordings": 403, "/nobody/console/recordings": 403, "/hv01": 401, "/hv01/console/guests": 401, "": 401,
	} {
		res, body := call(t, http.MethodGet, srv.URL+api.PathMachines+path, webtest.GuestToken, "")
		if res.StatusCode != status {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		res, body := call(t, method, srv.URL+api.PathMachines+"/hv01/console/guests", webtest.GuestToken, `{"name":"x","seconds":60}`, "Content-Type", "application/json")
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("a guest's %s of guests: %d %s", method, res.StatusCode, body)
		}
	}
	c, err := api.NewClient(api.ClientOptions{Server: srv.URL, Token: webtest.AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	if g, err := c.GrantConsole(t.Context(), "hv01", api.GuestRequest{Name: "gerda", Seconds: 3600}); err != nil || g.Token != webtest.GuestToken || time.Until(g.Expires) < time.Minute {
		t.Errorf("%+v, %v", g, err)
	}
	for _, bad := range []api.GuestRequest{{Seconds: 3600}, {Name: "x", Seconds: 1}, {Name: "x", Seconds: 31 * 86400}} {
		if _, err := c.GrantConsole(t.Context(), "hv01", bad); err == nil {
			t.Errorf("%+v is granted", bad)
		}
	}
	if err := c.RevokeConsole(t.Context(), "hv01"); err != nil {
		t.Error(err)
	}
	if _, res, _ := dialConsole(t, srv, "", header); res == nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after it was taken back: %+v", res)
	}
}

// TestConsolePage: the page lists, links and finds; when it only keeps itself fresh it does not search again.
func TestConsolePage(t *testing.T) {
	world, srv := start(t)
	w := openConsole(t, srv, "")
	w.shows("login: ")
	w.send(websocket.MessageBinary, "<b>hello</b>\r\n")
	w.shows("hello</b>\r\n")
	c := login(t, srv)
	m, err := world.Machine(t.Context(), "hv01")
	if err != nil {
		t.Fatal(err)
	}
	res, body := page(t, c, srv.URL+"/machines/hv01/console?q=HELLO")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	for _, want := range []string{`data-socket="/api/v1/machines/` + m.ID + `/console"`, "being written", `data-play="/machines/hv01/console/recordings/`, "login: &lt;b&gt;hello&lt;/b&gt;", "/assets/terminal.js"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	_, rest, _ := strings.Cut(body, `data-play="`)
	path, _, _ := strings.Cut(rest, `"`)
	if res, body := page(t, c, srv.URL+path); res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/x-asciicast" || !strings.HasPrefix(body, `{"version":2`) {
		t.Errorf("the recording: %d %q %.100s", res.StatusCode, res.Header.Get("Content-Type"), body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/machines/hv01/console?q=hello", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Dest", "empty")
	if res, body := do(t, c, req); res.StatusCode != http.StatusOK || strings.Contains(body, "&lt;b&gt;hello") {
		t.Errorf("a page that keeps itself fresh searches again: %d", res.StatusCode)
	}
	for path, status := range map[string]int{"/machines/nobody/console": 404, "/machines/hv01/console/recordings/x": 404, "/machines/hv01/console?q=" + strings.Repeat("x", 501): 422} {
		if res, _ := page(t, c, srv.URL+path); res.StatusCode != status {
			t.Errorf("%.60s: %d", path, res.StatusCode)
		}
	}
	if res, _ := page(t, &http.Client{CheckRedirect: c.CheckRedirect}, srv.URL+"/machines/hv01/console"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("without a login: %d", res.StatusCode)
	}
}

// TestConsoleDrains: a console does not keep a stopping server waiting.
func TestConsoleDrains(t *testing.T) {
	world := webtest.New(t.TempDir(), time.Now)
	world.Fill()
	s, err := web.New(world.Options())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	w := openConsole(t, srv, "")
	w.shows("login: ")
	s.Drain()
	for {
		_, _, err := w.conn.Read(t.Context())
		if err != nil {
			if websocket.CloseStatus(err) != websocket.StatusGoingAway {
				t.Errorf("ended with %v", err)
			}
			return
		}
	}
}

// TestConsoleRecordings: what was on a console can be listed, searched and replayed.
func TestConsoleRecordings(t *testing.T) {
	_, srv := start(t)
	w := openConsole(t, srv, "")
	w.shows("login: ")
	w.send(websocket.MessageBinary, "hello\r\n")
	w.shows("hello\r\n")
	c, err := api.NewClient(api.ClientOptions{Server: srv.URL, Token: webtest.AdminToken})
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.Console(t.Context(), "hv01")
	if err != nil || !st.Open || st.State != "up" || len(st.Seats) != 1 || len(st.Recordings) != 1 || !st.Recordings[0].Open {
		t.Fatalf("%+v, %v", st, err)
	}
	hits, err := c.SearchConsole(t.Context(), "hv01", api.ConsoleSearch{Text: "LOGIN: h"})
	if err != nil || len(hits) != 1 || hits[0].Line != "hv01 login: hello" || hits[0].Recording != st.Recordings[0].ID {
		t.Errorf("%+v, %v", hits, err)
	}
	if hits, err := c.SearchConsole(t.Context(), "hv01", api.ConsoleSearch{Text: "^hv01.*h[aeiou]llo$", Regexp: true}); err != nil || len(hits) != 1 {
		t.Errorf("%+v, %v", hits, err)
	}
	for _, id := range []string{"latest", st.Recordings[0].ID} {
		r, err := c.Recording(t.Context(), "hv01", id)
		if err != nil {
			t.Fatal(err)
		}
		var cast bytes.Buffer
		_, err = cast.ReadFrom(r)
		_ = r.Close()
		if err != nil || !strings.HasPrefix(cast.String(), `{"version":2,`) || !strings.Contains(cast.String(), `"o","hello\r\n"]`) {
			t.Errorf("%s: %v\n%s", id, err, cast.String())
		}
	}
	for path, status := range map[string]int{
		"/hv01/console/recordings/20200101T000000.000000Z": 404, "/hv01/console/recordings/..%2fx": 404, "/nobody/console/recordings": 404,
		"/hv01/console/search?text=(&regexp=true": 422, "/hv01/console/search": 422, "/hv02/console/recordings/latest": 404,
	} {
		res, body := call(t, http.MethodGet, srv.URL+api.PathMachines+path, webtest.AdminToken, "")
		if res.StatusCode != status {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}
