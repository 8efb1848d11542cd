package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"socle/agent/disk"
	"socle/agent/probe"
	"socle/api"
)

// Patience of the client. The poll's is longer than the server holds it.
const (
	callTimeout = 20 * time.Second
	pollWait    = 30 * time.Second
	pollTimeout = pollWait + 20*time.Second
	idleTimeout = 20 * time.Second // without a byte of a stream
	maxAnswer   = 4 << 20          // bytes of a JSON answer
)

// ErrEnded says that the server has ended this session: the machine shall boot anew.
var ErrEnded = errors.New("the server has ended this session")

// StatusError is an answer other than success.
type StatusError struct {
	Status  int
	Problem api.Problem
}

// Error implements error.
func (e *StatusError) Error() string {
	text := probe.CleanTo(e.Problem.Detail, maxMessage/2)
	if text == "" {
		text = probe.Clean(e.Problem.Title)
	}
	return strings.TrimSuffix(fmt.Sprintf("the server answers %d %s: %s", e.Status, http.StatusText(e.Status), text), ": ")
}

// Is makes errors.Is know what the status means.
func (e *StatusError) Is(target error) bool {
	switch target {
	case ErrEnded:
		return e.Status == http.StatusUnauthorized || e.Status == http.StatusGone
	case disk.ErrAbsent:
		return e.Status == http.StatusNotFound
	case disk.ErrPermanent:
		return !e.temporary()
	default:
		return false
	}
}

func (e *StatusError) temporary() bool {
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooEarly
}

// Client speaks the agent protocol with one server.
type Client struct {
	base string
	http *http.Client

	mu    sync.Mutex
	token string
	date  time.Time // of the last answer, by the server's clock
}

// NewClient makes a client that trusts only chains of the CA whose DER has this SHA-256.
func NewClient(base, caSHA256 string) (*Client, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 10 * time.Second}
	return NewClientBy(dialer.DialContext, base, caSHA256)
}

// Dial opens a connection, as (*net.Dialer).DialContext does.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// NewClientBy is NewClient with connections of the caller's own.
func NewClientBy(dial Dial, base, caSHA256 string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("reading the server's address %q: %w", base, err)
	}
	if u.Scheme != "https" {
		return nil, fmt.Errorf("reading the server's address %q: it is not https", base)
	}
	return &Client{base: strings.TrimRight(base, "/"), http: &http.Client{Transport: &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     pinned(caSHA256, u.Hostname()),
		TLSHandshakeTimeout: 20 * time.Second,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}}}, nil
}

// Close ends the connections that nothing is asked by at the moment. The client can be used on.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Authorize sets the session's token for all later calls.
func (c *Client) Authorize(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = token
}

// ServerTime is what the server's clock said in its last answer; zero before the first.
func (c *Client) ServerTime() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.date
}

// Session opens a session.
func (c *Client) Session(ctx context.Context, req api.SessionRequest) (api.SessionReply, error) {
	var reply api.SessionReply
	_, err := c.call(ctx, callTimeout, http.MethodPost, api.PathSession, req, &reply)
	if err == nil && (reply.Token == "" || reply.Session == "") {
		err = errors.New("the server's answer names no session")
	}
	return reply, err
}

// Facts posts what the machine is made of.
func (c *Client) Facts(ctx context.Context, post api.FactsPost) error {
	_, err := c.call(ctx, callTimeout, http.MethodPost, api.PathFacts, post, nil)
	return err
}

// Links posts what is plugged into the ports.
func (c *Client) Links(ctx context.Context, post api.LinksPost) error {
	_, err := c.call(ctx, callTimeout, http.MethodPost, api.PathLinks, post, nil)
	return err
}

// NextOrder waits for an order; nil when none came in time.
func (c *Client) NextOrder(ctx context.Context) (*api.Order, error) {
	var o api.Order
	status, err := c.call(ctx, pollTimeout, http.MethodGet, api.PathNextOrder+"?wait="+pollWait.String(), nil, &o)
	if err != nil || status == http.StatusNoContent {
		return nil, err
	}
	if o.ID == "" || o.Kind == "" {
		return nil, errors.New("the server sent an order without id or kind")
	}
	return &o, nil
}

// Partner asks for another server to test the network with; nil when none came in time.
func (c *Client) Partner(ctx context.Context, order string, port int) (*api.Partner, error) {
	var p api.Partner
	status, err := c.call(ctx, pollTimeout, http.MethodPost, fmt.Sprintf(api.PathPartner, url.PathEscape(order))+"?wait="+pollWait.String(), api.PartnerRequest{Port: port}, &p)
	if err != nil || status == http.StatusNoContent {
		return nil, err
	}
	return &p, nil
}

// Report sends one report.
func (c *Client) Report(ctx context.Context, order string, r api.Report) error {
	_, err := c.call(ctx, callTimeout, http.MethodPost, fmt.Sprintf(api.PathReport, url.PathEscape(order)), r, nil)
	return err
}

// Index implements disk.Source.
func (c *Client) Index(ctx context.Context, digest string) (io.ReadCloser, error) {
	return c.stream(ctx, fmt.Sprintf(api.PathIndex, url.PathEscape(digest)))
}

// Chunk implements disk.Source.
func (c *Client) Chunk(ctx context.Context, sum string) (io.ReadCloser, error) {
	return c.stream(ctx, fmt.Sprintf(api.PathChunk, url.PathEscape(sum)))
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	c.mu.Unlock()
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if t, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.mu.Lock()
		c.date = t
		c.mu.Unlock()
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer res.Body.Close()
		e := &StatusError{Status: res.StatusCode}
		raw, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // the status says enough when the text is cut
		_ = json.Unmarshal(raw, &e.Problem)                    // likewise
		return nil, e
	}
	return res, nil
}

func (c *Client) call(ctx context.Context, timeout time.Duration, method, path string, in, out any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return 0, fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	res, err := c.request(ctx, method, path, body)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return 0, fmt.Errorf("understanding the answer: %w", err)
	}
	return res.StatusCode, nil
}

// stream opens a body of any length; it is given up when no byte comes for a while, so that a connection that
// was cut without a word does not hang.
func (c *Client) stream(ctx context.Context, path string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(idleTimeout, func() { cancel(fmt.Errorf("no byte came for %s", idleTimeout)) })
	res, err := c.request(ctx, http.MethodGet, path, nil) //nolint:bodyclose // idleBody closes it
	if err != nil {
		timer.Stop()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
		return nil, err
	}
	return &idleBody{ReadCloser: res.Body, timer: timer, cancel: cancel}, nil
}

type idleBody struct {
	io.ReadCloser
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// Read implements io.Reader.
func (b *idleBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.timer.Reset(idleTimeout)
	return n, err
}

// Close implements io.Closer.
func (b *idleBody) Close() error {
	b.timer.Stop()
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
