package verify

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
	"slices"
	"strconv"
	"strings"
	"time"

	"socle/seed"
)

// callTime bounds one request.
const callTime = 60 * time.Second

// answerBytes bounds what is read of an answer.
const answerBytes = 4 << 20

func (v *Verifier) httpClient() *http.Client {
	return &http.Client{Timeout: callTime, Transport: &http.Transport{
		Proxy:       nil, // the cluster's own network
		DialContext: v.o.Dial,
		// A node that was just rebooted has forgotten its connections.
		DisableKeepAlives: true,
	}}
}

// swiftClient speaks to one account through the proxy, and to a node's own servers.
type swiftClient struct {
	v       *Verifier
	http    *http.Client
	account string // path of the account, "/v1/AUTH_demo"
	token   string
}

func nodeURL(t Target, port int, path string) string {
	return "http://" + net.JoinHostPort(t.Address.String(), strconv.Itoa(port)) + path
}

// login gets a token (auth v1); it is asked for anew each time, which is cheaper than reasoning about its life.
func (c *swiftClient) login(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.v.o.Swift.URL, "/")+"/auth/v1.0", nil)
	if err != nil {
		return fmt.Errorf("logging in: %w", err)
	}
	req.Header.Set("X-Auth-User", c.v.o.Swift.User)
	req.Header.Set("X-Auth-Key", c.v.o.Swift.Key.Reveal())
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("logging in at the proxy: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("logging in at the proxy: it refuses the user %s: correct user and key", c.v.o.Swift.User)
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("logging in at the proxy: it answers %s", resp.Status)
	}
	u, err := url.Parse(resp.Header.Get("X-Storage-Url"))
	if err != nil || u.Path == "" {
		return errors.New("logging in at the proxy: it names no storage URL")
	}
	c.account, c.token = u.Path, resp.Header.Get("X-Auth-Token")
	return nil
}

// call makes a request below the account; any other status than the wanted is an error.
func (c *swiftClient) call(ctx context.Context, method, path string, body []byte, want ...int) ([]byte, error) {
	return c.do(ctx, method, strings.TrimSuffix(c.v.o.Swift.URL, "/")+c.account+path, body, want...)
}

func (c *swiftClient) get(ctx context.Context, address string) ([]byte, error) {
	short, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	return c.do(short, http.MethodGet, address, nil, http.StatusOK)
}

func (c *swiftClient) getJSON(ctx context.Context, address string, into any) error {
	data, err := c.get(ctx, address)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", address, err)
	}
	return nil
}

func (c *swiftClient) do(ctx context.Context, method, address string, body []byte, want ...int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.token != "" && strings.HasPrefix(address, c.v.o.Swift.URL) {
		req.Header.Set("X-Auth-Token", c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerBytes))
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", method, address, err)
	}
	if !slices.Contains(want, resp.StatusCode) {
		return nil, fmt.Errorf("%s %s: %s: %.200q", method, address, resp.Status, data)
	}
	return data, nil
}

// probe asks a node's object server whether it is alive, with little patience.
func (c *swiftClient) probe(ctx context.Context, t Target) error {
	short, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := c.do(short, http.MethodGet, nodeURL(t, seed.ObjectPort, "/healthcheck"), nil, http.StatusOK)
	return err
}

// endpoints asks the proxy where its ring places an object, and returns it in words: the proof that the
// object lies on this node's disks. Only proxies with the list_endpoints middleware tell; of others nothing
// is said.
func (c *swiftClient) endpoints(ctx context.Context, t Target, o object) (string, error) {
	disks, err := c.ring(ctx, o)
	if err != nil || len(disks) == 0 {
		return "", err
	}
	var here []string
	for _, d := range disks {
		if d.host == t.Address.String() {
			here = append(here, d.label)
		}
	}
	slices.Sort(here)
	if len(here) == 0 {
		return "", fmt.Errorf("the proxy's ring places the object on %v, none of which is this node: was the ring made with its address?", disks)
	}
	return fmt.Sprintf(", which placed it on %d of this node's disks (%s)", len(here), strings.Join(here, ", ")), nil
}

// placed tells whether the ring places the object on this node at all; an unknown ring is no error.
func (c *swiftClient) placed(ctx context.Context, t Target, o object) error {
	_, err := c.endpoints(ctx, t, o)
	return err
}

// place is one disk of a ring.
type place struct{ host, label string }

// ring asks for the places of an object; nil when the proxy does not tell.
func (c *swiftClient) ring(ctx context.Context, o object) (places []place, err error) {
	account := strings.TrimPrefix(c.account, "/v1")
	data, err := c.do(ctx, http.MethodGet, strings.TrimSuffix(c.v.o.Swift.URL, "/")+"/endpoints/v1"+account+"/"+o.path(), nil,
		http.StatusOK, http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnauthorized, http.StatusForbidden)
	if err != nil {
		return nil, fmt.Errorf("asking the proxy for its ring: %w", err)
	}
	var urls []string
	if json.Unmarshal(data, &urls) != nil {
		return nil, nil // an error page: the middleware is not there
	}
	for _, s := range urls {
		u, err := url.Parse(s)
		if err != nil {
			return nil, fmt.Errorf("asking the proxy for its ring: %w", err)
		}
		label, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		places = append(places, place{u.Hostname(), label})
	}
	return places, nil
}
