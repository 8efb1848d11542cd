package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// PathModels is the profiles of models: what is in their servers.
const PathModels = "/api/v1/models"

// Document is one version of a text that people write and the system goes by.
type Document struct {
	Name    string    `json:"name"`
	Version int       `json:"version"`
	Actor   string    `json:"actor"`
	Time    time.Time `json:"time"`
	Text    string    `json:"text,omitempty" doc:"as it was put: YAML or JSON; not in lists"`
}

// ModelList is the answer of GET /api/v1/models: by name, the newest version first.
type ModelList struct {
	Models []Document `json:"models"`
}

// TakeRequest makes the profile of a model from what is in a good server.
type TakeRequest struct {
	Machine string `json:"machine" minLength:"1" maxLength:"200" doc:"name, ID or serial number of the server"`
}

// PutModel stores a new version of a model's profile, in YAML or JSON.
func (c *Client) PutModel(ctx context.Context, text io.Reader) (Document, error) {
	return c.putDocument(ctx, PathModels, text)
}

// TakeModel stores what is in a machine as a new version of a model's profile.
func (c *Client) TakeModel(ctx context.Context, name, machine string) (Document, error) {
	var out Document
	return out, c.request(ctx, http.MethodPost, PathModels+"/"+segment(name)+"/take", nil, TakeRequest{Machine: machine}, &out)
}

// Models lists all versions of all models' profiles.
func (c *Client) Models(ctx context.Context) ([]Document, error) {
	var out ModelList
	err := c.request(ctx, http.MethodGet, PathModels, nil, nil, &out)
	return out.Models, err
}

// Model reads a version of a model's profile, 0: the newest.
func (c *Client) Model(ctx context.Context, name string, version int) (Document, error) {
	return c.document(ctx, PathModels, name, version)
}

// CompareModel compares what is in a machine, as the agent saw it last, with the newest profile of a model; "" is the
// machine's own.
func (c *Client) CompareModel(ctx context.Context, ref, model string) (FindingList, error) {
	q := url.Values{}
	if model != "" {
		q.Set("model", model)
	}
	var out FindingList
	return out, c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref)+"/model", q, nil, &out)
}
