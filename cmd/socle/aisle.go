package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/offline"
)

// aisle is what a person before a rack works with: a server, or a snapshot of one.
type aisle interface {
	Elevation(ctx context.Context, rack string) (api.Elevation, error)
	// Rack refuses what does not go there with an *api.Problem of status 404 or 409.
	Rack(ctx context.Context, r api.RackingRequest) (api.RackingReply, error)
	Cabling(ctx context.Context, machines string) ([]api.Cable, error)
	// Note writes down what a person says of a machine, or of the rack.
	Note(ctx context.Context, rack, machine, text string) error
	Light(ctx context.Context, machine string) string // switches its locator on, and says what became of it
}

// online is the aisle of a server.
type online struct{ *api.Client }

// Note implements aisle.
func (online) Note(context.Context, string, string, string) error {
	return api.NewProblem(409, api.ErrConflict, "notes are taken with --offline only")
}

// Light implements aisle, for ten minutes; a BMC that does not answer is none of the rack's business yet.
func (o online) Light(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := o.Locate(ctx, name, true, 10*time.Minute); err != nil {
		return "Its light cannot be switched on yet."
	}
	return "Its light is on for ten minutes."
}

// aisleFlags say whether a command works with a server or with a snapshot.
type aisleFlags struct {
	client *clientFlags
	keys   *string
	file   string
	as     string
}

func addAisleFlags(cmd *cobra.Command, who bool) *aisleFlags {
	f := &aisleFlags{client: addClientFlags(cmd), keys: addKeysFlag(cmd)}
	cmd.Flags().StringVar(&f.file, "offline", "", "work with this snapshot and its journal instead of a server: see socle snapshot")
	if who {
		cmd.Flags().StringVar(&f.as, "as", "", "with --offline: who works, for the history (default: the user of this computer)")
	}
	return f
}

// open opens what the command works with, and says so; the second result ends the work with it.
func (f *aisleFlags) open(cmd *cobra.Command, write bool) (aisle, func() error, error) {
	if f.file == "" {
		c, err := f.client.client()
		return online{c}, func() error { return nil }, err
	}
	snap, _, err := f.snapshot()
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	warning, err := snap.Usable(now)
	if err != nil {
		return nil, nil, err
	}
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), printable(fmt.Sprintf(format, args...)))
	}
	say("Offline: what was known at %s, until %s.", clockText(snap.Taken), clockText(snap.Expires))
	if warning != "" {
		say("WARNING: %s.", warning)
	}
	o := &carried{snap: snap, now: time.Now}
	if !write {
		c, _, torn, err := offline.ReadJournal(offline.JournalPath(f.file), snap.ID)
		if err != nil {
			return nil, nil, err
		}
		sayTorn(say, torn)
		o.entries = c.Entries
		return o, func() error { return nil }, nil
	}
	if o.actor, err = f.actor(); err != nil {
		return nil, nil, err
	}
	j, err := offline.OpenJournal(offline.JournalPath(f.file), snap.ID)
	if err != nil {
		return nil, nil, err
	}
	sayTorn(say, j.Torn)
	o.entries, o.write = j.Entries, j.Write
	return o, j.Close, nil
}

func sayTorn(say func(string, ...any), torn int) {
	if torn > 0 {
		say("WARNING: the last work broke off while an act was written (%d bytes of it are there): that act does not count, do it again.", torn)
	}
}

// snapshot reads the snapshot's file, if a known key signed it.
func (f *aisleFlags) snapshot() (offline.Snapshot, offline.File, error) {
	return readSnapshot(f.file, *f.keys)
}

func (f *aisleFlags) actor() (string, error) {
	if f.as != "" {
		return f.as, nil
	}
	name := currentUser()
	if name == "" {
		return "", usageError{errors.New("nobody knows who works here: say it with --as NAME")}
	}
	return name, nil
}

func clockText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// spotText is where something goes in a rack, in words.
func spotText(p api.Place) string {
	at := inventory.Place(p)
	if at.Face == "" {
		at.Face = inventory.Front
	}
	return at.Units() + " at the " + at.Face
}
