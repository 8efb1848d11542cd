package api

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"net/url"
	"strconv"
)

// Paths of what is printed and sent.
const (
	PathLabels  = "/api/v1/labels"
	PathRMA     = "/api/v1/rma"
	PathRMAFile = "/api/v1/rma/file"
)

// File is something to print or to send.
type File struct {
	Name, ContentType string
	Body              []byte
}

// LabelQuery says what labels are wanted, and how. What is empty chooses all machines and the defaults.
type LabelQuery struct {
	Machines string // a range of names
	Rack     string
	Format   string // pdf or zpl; empty: pdf
	Layout   string // see GET /api/v1/labels
	Start    int    // the first label of the first sheet that is not gone yet, from 1
	DPI      int    // of a printer that takes ZPL
	Cables   bool   // of cables instead of servers
	Outline  bool
}

// Labels makes labels of servers, or of their cables.
func (c *Client) Labels(ctx context.Context, q LabelQuery) (File, error) {
	v := given(map[string]string{"machines": q.Machines, "rack": q.Rack, "format": q.Format, "layout": q.Layout})
	for name, n := range map[string]int{"start": q.Start, "dpi": q.DPI} {
		if n != 0 {
			v.Set(name, strconv.Itoa(n))
		}
	}
	for name, yes := range map[string]bool{"cables": q.Cables, "outline": q.Outline} {
		if yes {
			v.Set(name, "true")
		}
	}
	return c.file(ctx, PathLabels, v)
}

// Claim is one part that a vendor is asked to replace or to deliver.
type Claim struct {
	Vendor       string `json:"vendor" doc:"of the delivery, else the maker of the server"`
	Order        string `json:"order,omitempty" doc:"number of the delivery"`
	Server       string `json:"server"`
	ServerSerial string `json:"server_serial,omitempty"`
	Model        string `json:"model,omitempty"`
	Place        string `json:"place,omitempty"`
	Part         string `json:"part"`
	PartNumber   string `json:"part_number,omitempty"`
	PartSerial   string `json:"part_serial,omitempty"`
	Problem      string `json:"problem" enum:"missing,wrong-part,failed,slow,unstable"`
	Ordered      string `json:"ordered,omitempty"`
	Found        string `json:"found,omitempty"`
	Reason       string `json:"reason"`
}

// ClaimList is the answer of GET /api/v1/rma: by vendor, order, server and part.
type ClaimList struct {
	Vendors []string `json:"vendors"`
	Claims  []Claim  `json:"claims"`
}

// RMAQuery chooses claims; what is empty chooses all.
type RMAQuery struct {
	Machines string // a range of names
	Rack     string
	Vendor   string
	Delivery string
}

func (q RMAQuery) values() url.Values {
	return given(map[string]string{"machines": q.Machines, "rack": q.Rack, "vendor": q.Vendor, "delivery": q.Delivery})
}

// RMA lists the parts that vendors are to replace or to deliver.
func (c *Client) RMA(ctx context.Context, q RMAQuery) (ClaimList, error) {
	var out ClaimList
	return out, c.request(ctx, http.MethodGet, PathRMA, q.values(), nil, &out)
}

// RMAFile is the list of one vendor, as csv or pdf.
func (c *Client) RMAFile(ctx context.Context, q RMAQuery, format string) (File, error) {
	v := q.values()
	v.Set("format", format)
	return c.file(ctx, PathRMAFile, v)
}

// file gets something that is no JSON.
func (c *Client) file(ctx context.Context, path string, q url.Values) (File, error) {
	var body bytes.Buffer
	header, err := c.download(ctx, path, q, "*/*", maxAnswer, &body)
	if err != nil {
		return File{}, err
	}
	out := File{ContentType: header.Get("Content-Type"), Body: body.Bytes()}
	if _, params, err := mime.ParseMediaType(header.Get("Content-Disposition")); err == nil {
		out.Name = params["filename"]
	}
	return out, nil
}
