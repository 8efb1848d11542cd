package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// PathConsole follows PathMachines + "/{ref}": there is a console's WebSocket (RFC 6455). Binary messages are bytes: of the
// server's serial line to the client, typed ones the other way. Text messages are JSON: a ConsoleNotice to the client, a
// ConsoleCommand to the server.
const PathConsole = "/console"

// ConsoleNotice tells how things are at a console, whenever that changes.
type ConsoleNotice struct {
	State   string `json:"state" enum:"connecting,up,down,held,closed"`
	Holder  string `json:"holder,omitempty"` // who may type; empty: nobody
	Holding bool   `json:"holding"`          // it is this connection
	Text    string `json:"text,omitempty"`   // for people
}

// ConsoleCommand is what a client can want besides typing.
type ConsoleCommand struct {
	Do   string `json:"do" enum:"take,release,break,resize"`
	Cols int    `json:"cols,omitempty"`
	Rows int    `json:"rows,omitempty"`
}

// ConsoleWant is how a console is opened.
type ConsoleWant struct {
	Watch bool // only look
	Take  bool // take it over from its holder, and from others who have it open through the BMC
	Cols  int  // the terminal's size; 0: not known
	Rows  int
}

// ConsoleStatus is who sits at a machine's console, and what is recorded of it.
type ConsoleStatus struct {
	Open       bool        `json:"open"`
	State      string      `json:"state,omitempty" enum:"connecting,up,down,held,closed"`
	Why        string      `json:"why,omitempty"`
	Holder     string      `json:"holder,omitempty"`
	Seats      []string    `json:"seats"`
	Recordings []Recording `json:"recordings"` // oldest first
}

// Recording is a recorded piece of a console.
type Recording struct {
	ID    string    `json:"id"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"` // so far
	Bytes int64     `json:"bytes"`
	Open  bool      `json:"open,omitempty"` // it is being written
}

// ConsoleHit is a recorded line that a search has found.
type ConsoleHit struct {
	Recording string    `json:"recording"`
	Time      time.Time `json:"time"`
	Line      string    `json:"line"`
}

// ConsoleHits are the lines that a search has found, oldest first.
type ConsoleHits struct {
	Hits []ConsoleHit `json:"hits"`
}

// ConsoleSearch says what is searched for.
type ConsoleSearch struct {
	Text   string // found anywhere in a line, in any case
	Regexp bool   // Text is a regular expression (RE2)
	Limit  int    // of hits, the newest ones; 0: the server's own
}

// GuestRequest asks for a token that opens the console of one machine and nothing else.
type GuestRequest struct {
	Name    string `json:"name" minLength:"1" maxLength:"60" doc:"who it is for, as the history will call them"`
	Seconds int    `json:"seconds" minimum:"60" maximum:"2592000" doc:"how long it is good"`
}

// GuestReply is such a token. It is told once.
type GuestReply struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// GrantConsole makes a token for the console of a machine.
func (c *Client) GrantConsole(ctx context.Context, ref string, r GuestRequest) (GuestReply, error) {
	var reply GuestReply
	return reply, c.request(ctx, http.MethodPost, consolePath(ref, "/guests"), nil, r, &reply)
}

// RevokeConsole ends all tokens for the console of a machine.
func (c *Client) RevokeConsole(ctx context.Context, ref string) error {
	return c.request(ctx, http.MethodDelete, consolePath(ref, "/guests"), nil, nil, nil)
}

func consolePath(ref, rest string) string {
	return PathMachines + "/" + url.PathEscape(ref) + PathConsole + rest
}

// Console tells who sits at a machine's console, and lists its recordings.
func (c *Client) Console(ctx context.Context, ref string) (ConsoleStatus, error) {
	var s ConsoleStatus
	return s, c.request(ctx, http.MethodGet, consolePath(ref, "/recordings"), nil, nil, &s)
}

// SearchConsole searches what was recorded of a machine's console.
func (c *Client) SearchConsole(ctx context.Context, ref string, s ConsoleSearch) ([]ConsoleHit, error) {
	q := url.Values{"text": {s.Text}}
	if s.Regexp {
		q.Set("regexp", "true")
	}
	if s.Limit > 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	var hits ConsoleHits
	err := c.request(ctx, http.MethodGet, consolePath(ref, "/search"), q, nil, &hits)
	return hits.Hits, err
}

// Recording opens a recording as asciicast v2; "latest" is the newest one. It must be closed.
func (c *Client) Recording(ctx context.Context, ref, id string) (io.ReadCloser, error) {
	res, err := c.open(ctx, http.MethodGet, consolePath(ref, "/recordings/"+url.PathEscape(id)), nil, "", nil, http.Header{"Accept": {"*/*"}})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Upgrade is what a WebSocket client needs to open a machine's console: the URL, the header and an HTTP client that
// trusts the server. An answer that is no upgrade is read with ProblemOf.
func (c *Client) Upgrade(ref string, w ConsoleWant) (string, http.Header, *http.Client, error) {
	u, err := c.base.Parse(c.base.EscapedPath() + consolePath(ref, ""))
	if err != nil {
		return "", nil, nil, fmt.Errorf("making the console's URL: %w", err)
	}
	q := url.Values{}
	for name, on := range map[string]bool{"watch": w.Watch, "take": w.Take} {
		if on {
			q.Set(name, "true")
		}
	}
	if w.Cols > 0 && w.Rows > 0 {
		q.Set("cols", strconv.Itoa(w.Cols))
		q.Set("rows", strconv.Itoa(w.Rows))
	}
	u.RawQuery = q.Encode()
	hc := *c.http
	if t, ok := c.http.Transport.(*http.Transport); ok {
		t = t.Clone() // HTTP/2 has no upgrade
		t.ForceAttemptHTTP2 = false
		t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
		if t.TLSClientConfig != nil {
			t.TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
		hc.Transport = t
	}
	return u.String(), http.Header{"Authorization": {"Bearer " + c.token}}, &hc, nil
}

// ProblemOf is the error of an answer with a status of 300 or more.
func ProblemOf(res *http.Response) error { return problemFrom(res) }

// Unreachable makes the error of a server that could not be spoken to.
func (c *Client) Unreachable(err error) error { return unreachable(c.base.Host, err) }
