package api

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Paths of work without a network.
const (
	PathSnapshots = "/api/v1/snapshots"
	PathSync      = "/api/v1/snapshots/sync"
	PathConflicts = "/api/v1/conflicts"
)

// SnapshotRequest says what to take along.
type SnapshotRequest struct {
	Racks []string `json:"racks,omitempty" maxItems:"500" doc:"full names, or ones that only one rack has"`
	Site  string   `json:"site,omitempty" maxLength:"100" doc:"all racks of a site"`
	Hours int      `json:"hours,omitempty" minimum:"0" maximum:"2160" doc:"how long work can begin with it; 0: a week"`
}

// SnapshotFile is a signed snapshot: what is in Payload, package inventory/offline says.
type SnapshotFile struct {
	Format    string `json:"format" maxLength:"40"`
	Payload   []byte `json:"payload" doc:"gzip of JSON; exactly these bytes are signed"`
	Key       []byte `json:"key" doc:"public key of the installation (Ed25519)"`
	Signature []byte `json:"signature"`
}

// SyncRequest brings what was done in the aisle.
type SyncRequest struct {
	Snapshot SnapshotFile `json:"snapshot" doc:"that the work was done with"`
	Journal  []byte       `json:"journal,omitempty" doc:"whole lines of it; absent when nothing was done"`
	Clock    time.Time    `json:"clock" doc:"what time it is at the laptop"`
	DryRun   bool         `json:"dry_run,omitempty" doc:"judge everything and change nothing"`
}

// AisleAct is something that was done in the aisle, and what became of it.
type AisleAct struct {
	ID      string        `json:"id"`
	Kind    string        `json:"kind" enum:"racked,seen,note"`
	What    string        `json:"what" doc:"in words"`
	Rack    string        `json:"rack"`
	Machine string        `json:"machine,omitempty" doc:"name in the snapshot"`
	Actor   string        `json:"actor" doc:"who says so"`
	Time    time.Time     `json:"time" doc:"by the laptop's clock"`
	Clock   string        `json:"clock,omitempty" doc:"by how much that was wrong when it was sent; empty: it was right"`
	SentBy  string        `json:"sent_by"`
	Synced  time.Time     `json:"synced"`
	Outcome string        `json:"outcome" enum:"applied,same,conflict,mine,theirs" doc:"mine and theirs are conflicts that were decided"`
	Again   bool          `json:"again,omitempty" doc:"it was sent before, and nothing was done this time"`
	Why     []string      `json:"why,omitempty" doc:"of a conflict, what contradicts"`
	Known   string        `json:"known,omitempty" doc:"of a conflict, what the server knew, in words"`
	Change  *AisleChange  `json:"change,omitempty" doc:"who made it so"`
	Decided *AisleDecided `json:"decided,omitempty"`
}

// AisleChange is who changed what the server knows.
type AisleChange struct {
	Actor string    `json:"actor"`
	Time  time.Time `json:"time"`
	What  string    `json:"what"`
}

// AisleDecided is who decided a conflict.
type AisleDecided struct {
	Actor  string    `json:"actor"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason,omitempty"`
}

// SyncReply says what became of each act, in their order.
type SyncReply struct {
	DryRun bool       `json:"dry_run,omitempty"`
	Acts   []AisleAct `json:"acts"`
	Clock  string     `json:"clock,omitempty" doc:"by how much the laptop's clock is wrong: 1h5m0s ahead"`
	Odd    []string   `json:"odd,omitempty" doc:"acts with times that cannot be"`
}

// ConflictList is what waits for a decision, and what was decided, the newest first.
type ConflictList struct {
	Open    []AisleAct `json:"open"`
	Decided []AisleAct `json:"decided"`
}

// Decision decides a conflict.
type Decision struct {
	Take   string `json:"take" enum:"mine,theirs" doc:"mine: what was done in the aisle; theirs: what the server knew"`
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// TakeSnapshot makes a signed snapshot of racks.
func (c *Client) TakeSnapshot(ctx context.Context, r SnapshotRequest) (SnapshotFile, error) {
	var out SnapshotFile
	return out, c.request(ctx, http.MethodPost, PathSnapshots, nil, r, &out)
}

// Sync brings what was done in the aisle.
func (c *Client) Sync(ctx context.Context, r SyncRequest) (SyncReply, error) {
	var out SyncReply
	return out, c.request(ctx, http.MethodPost, PathSync, nil, r, &out)
}

// Conflicts lists what waits for a decision, and what was decided.
func (c *Client) Conflicts(ctx context.Context) (ConflictList, error) {
	var out ConflictList
	return out, c.request(ctx, http.MethodGet, PathConflicts, nil, nil, &out)
}

// Decide decides a conflict.
func (c *Client) Decide(ctx context.Context, id string, d Decision) (AisleAct, error) {
	var out AisleAct
	return out, c.request(ctx, http.MethodPost, PathConflicts+"/"+url.PathEscape(id), nil, d, &out)
}
