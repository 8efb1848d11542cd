package api

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Paths of how lists are read, and of what was ordered.
const (
	PathMappings   = "/api/v1/mappings"
	PathDeliveries = "/api/v1/deliveries"
)

// ImportOptions says how a list is imported.
type ImportOptions struct {
	DryRun  bool
	Mapping string // name; empty: the columns are ours
}

// OrderImport is what is said of orders beside their file.
type OrderImport struct {
	ImportOptions
	Number, Vendor    string
	Ordered, Expected string // 2026-11-26
}

// Mapping says how the lists of one vendor become manifests or orders.
type Mapping struct {
	Name  string    `json:"name"`
	Text  string    `json:"text,omitempty" doc:"YAML, as it was put; not in lists"`
	Actor string    `json:"actor"`
	Time  time.Time `json:"time"`
}

// MappingList is the answer of GET /api/v1/mappings.
type MappingList struct {
	Mappings []Mapping `json:"mappings"`
}

// Delivery is a purchase order, and what came of it.
type Delivery struct {
	Number   string      `json:"number"`
	Vendor   string      `json:"vendor,omitempty"`
	Ordered  string      `json:"ordered,omitempty" doc:"day, 2026-11-26"`
	Expected string      `json:"expected,omitempty" doc:"day"`
	NotSeen  int         `json:"not_seen" doc:"servers that were ordered and not seen"`
	Lines    []OrderLine `json:"lines" doc:"of servers: those with a model"`
	Other    []OrderLine `json:"other" doc:"of anything else"`
	Extra    []string    `json:"extra,omitempty" doc:"machines of this delivery that no line ordered"`
	Actor    string      `json:"actor"`
	Time     time.Time   `json:"time"`
}

// OrderLine is one line of an order; how far it is is said of servers only.
type OrderLine struct {
	Line        int    `json:"line"`
	PartNumber  string `json:"part_number,omitempty"`
	Model       string `json:"model,omitempty"`
	Description string `json:"description,omitempty"`
	Quantity    int    `json:"quantity"`
	UnitPrice   string `json:"unit_price,omitempty" doc:"decimal"`
	Currency    string `json:"currency,omitempty" doc:"ISO 4217"`
	Announced   int    `json:"announced,omitempty" doc:"machines with a serial number"`
	Racked      int    `json:"racked,omitempty" doc:"of those, with a place"`
	Detected    int    `json:"detected,omitempty" doc:"of those, seen"`
	Missing     int    `json:"missing,omitempty" doc:"ordered and not announced"`
	NotSeen     int    `json:"not_seen,omitempty" doc:"ordered and not seen"`
}

// DeliveryList is the answer of GET /api/v1/deliveries.
type DeliveryList struct {
	Deliveries []Delivery `json:"deliveries"`
	NotSeen    int        `json:"not_seen" doc:"servers that were ordered, or announced without an order, and not seen"`
}

// Import imports a delivery manifest, all of it or nothing. Errors in it are the Errors of a Problem.
func (c *Client) Import(ctx context.Context, file io.Reader, dryRun bool) (ImportReply, error) {
	return c.ImportWith(ctx, file, ImportOptions{DryRun: dryRun})
}

// ImportWith is Import by a mapping.
func (c *Client) ImportWith(ctx context.Context, file io.Reader, o ImportOptions) (ImportReply, error) {
	var reply ImportReply
	return reply, c.send(ctx, http.MethodPost, PathManifests, o.query(), "text/csv", file, &reply)
}

func (o ImportOptions) query() url.Values {
	q := url.Values{}
	if o.DryRun {
		q.Set("dry_run", "true")
	}
	if o.Mapping != "" {
		q.Set("mapping", o.Mapping)
	}
	return q
}

// ImportOrders imports the lines of purchase orders, all of them or nothing.
func (c *Client) ImportOrders(ctx context.Context, file io.Reader, o OrderImport) (ImportReply, error) {
	q := o.query()
	for key, v := range map[string]string{"number": o.Number, "vendor": o.Vendor, "ordered": o.Ordered, "expected": o.Expected} {
		if v != "" {
			q.Set(key, v)
		}
	}
	var reply ImportReply
	return reply, c.send(ctx, http.MethodPost, PathDeliveries, q, "text/csv", file, &reply)
}

// Deliveries lists what was ordered and how far it is.
func (c *Client) Deliveries(ctx context.Context) (DeliveryList, error) {
	var out DeliveryList
	return out, c.request(ctx, http.MethodGet, PathDeliveries, nil, nil, &out)
}

// Delivery reads one, by its number.
func (c *Client) Delivery(ctx context.Context, number string) (Delivery, error) {
	var out Delivery
	return out, c.request(ctx, http.MethodGet, PathDeliveries+"/"+segment(number), nil, nil, &out)
}

// PutMapping stores a mapping, in YAML.
func (c *Client) PutMapping(ctx context.Context, text io.Reader) (Mapping, error) {
	var out Mapping
	return out, c.send(ctx, http.MethodPost, PathMappings, nil, "application/yaml", text, &out)
}

// Mappings lists them by name, without their texts.
func (c *Client) Mappings(ctx context.Context) (MappingList, error) {
	var out MappingList
	return out, c.request(ctx, http.MethodGet, PathMappings, nil, nil, &out)
}

// Mapping reads one as it was put.
func (c *Client) Mapping(ctx context.Context, name string) (Mapping, error) {
	var out Mapping
	return out, c.request(ctx, http.MethodGet, PathMappings+"/"+segment(name), nil, nil, &out)
}

// DeleteMapping takes one away.
func (c *Client) DeleteMapping(ctx context.Context, name string) error {
	return c.request(ctx, http.MethodDelete, PathMappings+"/"+segment(name), nil, nil, nil)
}

// ImportReply tells what an import did, or with dry_run would do.
type ImportReply struct {
	DryRun  bool           `json:"dry_run"`
	Added   []string       `json:"added,omitempty"`
	Changed []string       `json:"changed,omitempty"`
	Same    []string       `json:"same,omitempty"`
	Changes []ImportChange `json:"changes,omitempty" doc:"of those added or changed, in the order of the lines"`
}

// ImportChange is what an import does to one machine.
type ImportChange struct {
	Line    int           `json:"line"`
	Machine string        `json:"machine"`
	Added   bool          `json:"added,omitempty"`
	Fields  []FieldChange `json:"fields"`
}

// FieldChange is a column of the manifest before and after. Of a password it is said only that it is set.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}
