package api

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ClientOptions says which server a Client speaks to, as whom, and how the server is recognised.
type ClientOptions struct {
	Server string // base URL, e.g. "https://198.18.0.1:8443"
	Token  string // bearer token
	// Of CAFile and CAFingerprint at most one is set. With neither, the system's CAs are asked.
	CAFile        string // PEM file with the CA that signs the server's certificate
	CAFingerprint string // SHA-256 of the CA's DER, hexadecimal
	// Timeout bounds every call but streams and calls whose context says otherwise; 0: one minute.
	Timeout time.Duration
}

// Client speaks to the REST API. It is safe for use by several goroutines.
type Client struct {
	base    *url.URL
	token   string
	http    *http.Client
	timeout time.Duration
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 64 << 20

// NewClient prepares a client; it speaks to nobody yet.
func NewClient(o ClientOptions) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(o.Server, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("the server's address %q is no URL such as https://host:8443", o.Server)
	}
	tlsConfig, err := trust(o, base.Hostname())
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy:           nil, // the server is on the operator's own network, and its token is for no proxy
		TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 15 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 8,
	}
	c := &Client{base: base, token: o.Token, timeout: o.Timeout, http: &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token stays with its server
	}}
	if c.timeout == 0 {
		c.timeout = time.Minute
	}
	return c, nil
}

// request makes one call and decodes its answer into out, unless out is nil.
func (c *Client) request(ctx context.Context, method, path string, query url.Values, body, out any) error {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding the request to %s: %w", path, err)
		}
		r = bytes.NewReader(b)
	}
	return c.send(ctx, method, path, query, "application/json", r, out)
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, contentType string, body io.Reader, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	res, err := c.open(ctx, method, path, query, contentType, body, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if out == nil {
		return nil
	}
	answer := &io.LimitedReader{R: res.Body, N: maxAnswer + 1}
	err = json.NewDecoder(answer).Decode(out)
	if answer.N <= 0 {
		return fmt.Errorf("reading the answer of %s: it is larger than %d MiB: ask for less, such as one rack or a range of machines", path, maxAnswer>>20)
	}
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", path, err)
	}
	return nil
}

// given are the parameters of a query that say something.
func given(texts map[string]string) url.Values {
	q := url.Values{}
	for name, text := range texts {
		if text != "" {
			q.Set(name, text)
		}
	}
	return q
}

// download writes an answer that is no JSON to w and returns its header; one of more bytes than most is an error.
func (c *Client) download(ctx context.Context, path string, query url.Values, accept string, most int64, w io.Writer) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	res, err := c.open(ctx, http.MethodGet, path, query, "", nil, http.Header{"Accept": {accept}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // was only read
	n, err := io.Copy(w, io.LimitReader(res.Body, most))
	if err == nil && n == most {
		if more, _ := io.ReadFull(res.Body, make([]byte, 1)); more > 0 {
			err = fmt.Errorf("it has more than %d bytes, which is the most that is taken; ask for less at a time", most)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", path, err)
	}
	return res.Header, nil
}

// open sends a request and returns an answer with a status below 300; every other one is an error.
func (c *Client) open(ctx context.Context, method, path string, query url.Values, contentType string, body io.Reader, header http.Header) (*http.Response, error) {
	u, err := c.base.Parse(c.base.EscapedPath() + path)
	if err != nil {
		return nil, fmt.Errorf("making the path %q: %w", path, err)
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(c.base.Host, err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, problemFrom(res)
}

// ErrUnreachable is part of every error that says that the server could not be spoken to.
var ErrUnreachable = errors.New("the server cannot be reached")

func unreachable(host string, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // without the URL, whose path may hold a token
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		err = fmt.Errorf("%w: give the file of its CA, or the CA's fingerprint", err)
	}
	return fmt.Errorf("%w at %s: %w", ErrUnreachable, host, err)
}

// problemFrom reads an error answer; one that is no problem, as a proxy's page, becomes one.
func problemFrom(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	var p Problem
	if err == nil && strings.HasPrefix(res.Header.Get("Content-Type"), ContentTypeProblem) && json.Unmarshal(text, &p) == nil && p.Title != "" {
		p.Status = res.StatusCode
		return &p
	}
	return NewProblem(res.StatusCode, "", "the answer is not one of Socle's: is this the right address, and does it begin with https?")
}
