// Package live reads a NetBox over its REST API, page by page, as files that package netbox reads. The token goes to the
// address that it was given for and nowhere else, whatever the answers say.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"socle/internal/secret"
	"socle/inventory/netbox"
)

// Bounds of what is read.
const (
	pageSize = 500      // objects; NetBox gives 1000 at most unless it is told otherwise
	maxPages = 2000     // of one kind
	maxPage  = 64 << 20 // bytes
)

// Source is a NetBox.
type Source struct {
	URL   string // "https://netbox.example", or with a path that stands before /api
	Token secret.Secret
	HTTP  *http.Client
}

// Fetch reads all that package netbox has a use for. A kind that this NetBox does not have is left out.
func (s Source) Fetch(ctx context.Context) ([]netbox.File, error) {
	base, err := url.Parse(strings.TrimSuffix(strings.TrimSuffix(s.URL, "/"), "/api"))
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address of a NetBox: write https://host, and the token into a file", redacted(s.URL))
	}
	var all []netbox.File
	for _, k := range netbox.Wanted() {
		files, err := s.kind(ctx, base, k)
		var answer *answerError
		if errors.As(err, &answer) && answer.status == http.StatusNotFound && k == netbox.MACAddresses {
			continue // before 4.2
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s of %s: %w", k, base.Host, err)
		}
		all = append(all, files...)
	}
	return all, nil
}

// redacted is an address without a login that somebody wrote into it.
func redacted(address string) string {
	if _, rest, ok := strings.Cut(address, "@"); ok {
		return secret.Redacted + "@" + rest
	}
	return address
}

// kind reads all pages of one kind.
func (s Source) kind(ctx context.Context, base *url.URL, k netbox.Kind) (all []netbox.File, err error) {
	query := url.Values{"limit": {fmt.Sprint(pageSize)}}
	if k == netbox.Devices {
		query.Set("exclude", "config_context") // which is slow to make
	}
	for n := 1; ; n++ {
		if n > maxPages {
			return nil, fmt.Errorf("it does not end after %d pages", maxPages)
		}
		at := base.JoinPath("api", "dcim", string(k), "/")
		at.RawQuery = query.Encode()
		text, next, err := s.page(ctx, at.String())
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", n, err)
		}
		all = append(all, netbox.File{Name: fmt.Sprintf("%s-%04d.json", k, n), Body: text})
		if next == "" {
			return all, nil
		}
		// Behind a proxy, the host in "next" is often one that is not reached: only what is asked for counts.
		u, err := url.Parse(next)
		if err != nil || u.RawQuery == "" || u.RawQuery == at.RawQuery {
			return nil, fmt.Errorf("page %d: its next page is %q", n, next)
		}
		query = u.Query()
	}
}

// answerError is an answer that is no page.
type answerError struct {
	status int
	said   string
}

// Error says what to do about it.
func (e *answerError) Error() string {
	text := fmt.Sprintf("NetBox answers %d %s", e.status, http.StatusText(e.status))
	if e.said != "" {
		text += ": " + e.said
	}
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		text += ": the token must be one of this NetBox that may view DCIM's objects, from this host"
	case http.StatusNotFound:
		text += ": is this the address of a NetBox, with the path that stands before /api?"
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		text += ": write the address to which it leads"
	}
	return text
}

// authorization is how a token is sent: those of version 2 (NetBox 4.5) are told by their prefix.
func authorization(t secret.Secret) string {
	if strings.HasPrefix(t.Reveal(), "nbt_") {
		return "Bearer " + t.Reveal()
	}
	return "Token " + t.Reveal()
}

// page reads one page, and the address of the next one.
func (s Source) page(ctx context.Context, at string) (text []byte, next string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Accept", "application/json")
	if !s.Token.Empty() {
		req.Header.Set("Authorization", authorization(s.Token))
	}
	client := *s.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token stays here
	res, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	text, err = io.ReadAll(io.LimitReader(res.Body, maxPage+1))
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("reading the answer: %w", err)
	case len(text) > maxPage:
		return nil, "", fmt.Errorf("the answer is larger than %d MiB", maxPage>>20)
	}
	var p struct {
		Next    *string           `json:"next"`
		Results []json.RawMessage `json:"results"`
		Detail  string            `json:"detail"`
	}
	broken := json.Unmarshal(text, &p)
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, "", &answerError{res.StatusCode, cut(p.Detail)}
	case broken != nil || p.Results == nil:
		return nil, "", errors.New("the answer is no page of NetBox's REST API: is this the right address?")
	case p.Next != nil:
		next = *p.Next
	}
	return text, next, nil
}

// cut is a text of somebody else, short enough to be shown.
func cut(said string) string {
	if len(said) > 200 {
		return said[:200] + "…"
	}
	return said
}
