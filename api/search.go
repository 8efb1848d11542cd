package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Paths of searches.
const (
	PathSearch   = "/api/v1/search"
	PathSearches = "/api/v1/searches"
)

// SearchReply is which machines fit a query.
type SearchReply struct {
	Query    string        `json:"query" doc:"that was asked; of a saved one what its name stands for"`
	Count    int           `json:"count"`
	Range    string        `json:"range" doc:"their names, folded: hv[01-12,14]"`
	Machines []SearchMatch `json:"machines" doc:"by name"`
}

// SearchMatch is one machine that fits.
type SearchMatch struct {
	Name   string `json:"name"`
	ID     string `json:"id"`
	State  string `json:"state"`
	Role   string `json:"role,omitempty"`
	Model  string `json:"model,omitempty"`
	Serial string `json:"serial,omitempty"`
	Place  Place  `json:"place,omitzero"`
	Fault  string `json:"fault,omitempty"`
	Hold   string `json:"hold,omitempty"`
}

// SavedQuery is a search that has a name.
type SavedQuery struct {
	Name  string    `json:"name"`
	Query string    `json:"query"`
	Actor string    `json:"actor"`
	Time  time.Time `json:"time"`
}

// SaveQueryRequest gives a search a name.
type SaveQueryRequest struct {
	Query string `json:"query" minLength:"1" maxLength:"2000"`
}

// SavedQueryList lists saved searches by name.
type SavedQueryList struct {
	Searches []SavedQuery `json:"searches"`
}

// Search finds the machines that fit a query, or a saved one: @name.
func (c *Client) Search(ctx context.Context, query string) (SearchReply, error) {
	var out SearchReply
	return out, c.request(ctx, http.MethodGet, PathSearch, url.Values{"q": {query}}, nil, &out)
}

// SavedQueries lists saved searches.
func (c *Client) SavedQueries(ctx context.Context) ([]SavedQuery, error) {
	var out SavedQueryList
	err := c.request(ctx, http.MethodGet, PathSearches, nil, nil, &out)
	return out.Searches, err
}

// SaveQuery gives a search a name, or another search the name that one has.
func (c *Client) SaveQuery(ctx context.Context, name, query string) (SavedQuery, error) {
	var out SavedQuery
	return out, c.request(ctx, http.MethodPut, PathSearches+"/"+segment(name), nil, SaveQueryRequest{Query: query}, &out)
}

// ForgetQuery takes the name of a saved search away.
func (c *Client) ForgetQuery(ctx context.Context, name string) error {
	return c.request(ctx, http.MethodDelete, PathSearches+"/"+segment(name), nil, nil, nil)
}
