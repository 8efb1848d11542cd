package api

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/url"
)

// Paths of what is exchanged with NetBox.
const (
	PathNetBoxImport = "/api/v1/netbox/import"
	PathNetBoxExport = "/api/v1/netbox/export"
)

// NetBoxOptions says how NetBox's objects are read.
type NetBoxOptions struct {
	DryRun bool
	// Roles say what roles of NetBox's devices are: "NAME OR SLUG=server", server:ROLE, skip, or a kind of device.
	Roles []string
}

// NetBoxImport is what an import did, or would do.
type NetBoxImport struct {
	DryRun   bool          `json:"dry_run,omitempty"`
	Places   NetBoxChanges `json:"places" doc:"racks and devices besides servers"`
	Machines NetBoxChanges `json:"machines"`
	Cables   CableImport   `json:"cables" doc:"a line is that of no file"`
	Notes    []string      `json:"notes,omitempty" doc:"what was not used, and why"`
}

// NetBoxChanges is what an import does to the things of one kind.
type NetBoxChanges struct {
	Added   int            `json:"added"`
	Changed int            `json:"changed"`
	Same    int            `json:"same"`
	Changes []NetBoxChange `json:"changes"`
}

// NetBoxChange is what an import does to one thing.
type NetBoxChange struct {
	From   string        `json:"from" doc:"file and line, or number in NetBox"`
	Name   string        `json:"name"`
	Added  bool          `json:"added,omitempty"`
	Fields []FieldChange `json:"fields"`
}

// ImportNetBox imports NetBox's objects: one file as its bulk import takes it (CSV) or its REST API gives it (JSON), or a
// zip archive of such files. All of it is imported or nothing; errors in it are the Errors of a Problem.
func (c *Client) ImportNetBox(ctx context.Context, archive io.Reader, o NetBoxOptions) (NetBoxImport, error) {
	q := url.Values{"role": o.Roles}
	if o.DryRun {
		q.Set("dry_run", "true")
	}
	var out NetBoxImport
	return out, c.send(ctx, http.MethodPost, PathNetBoxImport, q, "application/zip", archive, &out)
}

// ExportNetBox writes what Socle knows to w, as a zip archive of files for NetBox's bulk import. before42 is for a NetBox
// older than 4.2.
func (c *Client) ExportNetBox(ctx context.Context, w io.Writer, before42 bool) error {
	q := url.Values{}
	if before42 {
		q.Set("before_4_2", "true")
	}
	_, err := c.download(ctx, PathNetBoxExport, q, "application/zip", math.MaxInt64, w)
	return err
}
