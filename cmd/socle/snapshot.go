package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/inventory"
	"socle/inventory/offline"
	"socle/inventory/signing"
)

// newSnapshotCmd is "socle snapshot": work in the aisle without a network.
func newSnapshotCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "snapshot", Short: "Work in the aisle without a network: take a snapshot along, and bring back what was done",
		Long: `Take a snapshot while there is a network, work with "socle rack RACK --offline FILE" and "socle stack RACK --offline FILE",
and sync it later. What was done is in FILE.journal until then. What changed meanwhile is a conflict: it is shown with both
sides, nothing of it is applied, and a person decides.

` + exitCodes + fmt.Sprintf(" Also %d conflicts wait for a decision.", exitUndone),
	}
	f, o, keys := addClientFlags(cmd), addOutputFlag(cmd), addKeysFlag(cmd)
	group(cmd)
	cmd.AddCommand(snapshotTakeCmd(f, keys), snapshotShowCmd(o, keys), snapshotSyncCmd(f, o, keys), snapshotConflictsCmd(f, o), snapshotResolveCmd(f, o))
	return cmd
}

func snapshotTakeCmd(f *clientFlags, keys *string) *cobra.Command {
	var r api.SnapshotRequest
	var file string
	cmd := &cobra.Command{
		Use: "take", Short: "Take a signed snapshot of racks: servers, places and cables, and no secret", Args: args(cobra.NoArgs),
		Long: `The first key with which a server signs is trusted from then on, as is said; compare it with that of the server. A file
whose journal is there is not written over: sync it first.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(r.Racks) == 0 && r.Site == "" {
				return usageError{errors.New("say of which racks with --rack, or of which site with --site")}
			}
			if file == "" {
				file = strings.NewReplacer("/", "-", " ", "-").Replace(strings.Join(append(r.Racks, r.Site)[:1], "")) + ".snapshot"
			}
			if err := unsynced(file); err != nil {
				return err
			}
			c, err := f.client()
			if err != nil {
				return err
			}
			got, err := c.TakeSnapshot(cmd.Context(), r)
			if err != nil {
				return err
			}
			say := func(format string, args ...any) {
				_, _ = fmt.Fprintln(cmd.OutOrStdout(), printable(fmt.Sprintf(format, args...)))
			}
			snap, err := offline.File(got).Open(verifySnapshot)
			if err != nil {
				return err
			}
			known, err := readKnownKeys(*keys)
			if err != nil {
				return err
			}
			fresh, err := known.pin(f.server, got.Key)
			if err != nil {
				return err
			}
			if fresh {
				say("The key of %s is trusted from now on (%s): %s", f.server, known.path, signing.Fingerprint(got.Key))
			}
			if err := writeSnapshot(file, got); err != nil {
				return err
			}
			say("%s: %s; %s, %s; good until %s.", file, strings.Join(snap.Scope, ", "), inventory.Plural(len(snap.Servers), "server"), inventory.Plural(len(snap.Cables), "cable"), clockText(snap.Expires))
			if w, _ := snap.Usable(time.Now()); w != "" {
				say("WARNING: %s.", w)
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&r.Racks, "rack", nil, "a rack; may be said again")
	cmd.Flags().StringVar(&r.Site, "site", "", "all racks of a site")
	cmd.Flags().IntVar(&r.Hours, "hours", 0, "how long work can begin with it (default: a week)")
	cmd.Flags().StringVarP(&file, "file", "f", "", "where to put it (default: RACK.snapshot or SITE.snapshot)")
	return cmd
}

// unsynced refuses to write over a snapshot with which work was done: without it, its journal is worth nothing.
func unsynced(file string) error {
	path := offline.JournalPath(file)
	i, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking for a journal: %w", err)
	case i.Size() == 0:
		return nil
	}
	return fmt.Errorf("work was done with %s: sync it, then remove it and %s, or name another file with --file", file, path)
}

// writeSnapshot puts a snapshot to its place whole, or not at all.
func writeSnapshot(file string, f api.SnapshotFile) error {
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encoding the snapshot: %w", err)
	}
	t, err := os.CreateTemp(filepath.Dir(file), ".snapshot-*")
	if err != nil {
		return fmt.Errorf("writing the snapshot: %w", err)
	}
	_, err = t.Write(append(text, '\n'))
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the snapshot: %w", err), os.Remove(t.Name()))
	}
	return nil
}

// readSnapshot reads a snapshot's file, if a known key signed it.
func readSnapshot(file, keys string) (offline.Snapshot, offline.File, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return offline.Snapshot{}, offline.File{}, fmt.Errorf("reading the snapshot: %w", err)
	}
	known, err := readKnownKeys(keys)
	if err != nil {
		return offline.Snapshot{}, offline.File{}, err
	}
	f, err := offline.ReadFile(text)
	if err != nil {
		return offline.Snapshot{}, f, fmt.Errorf("reading %s: %w", file, err)
	}
	snap, err := f.Open(func(key, payload, signature []byte) error {
		if !known.knows(key) {
			return fmt.Errorf("it is signed with the key %s, which is not among those that are trusted (%s): take a snapshot from its server with this computer, or copy the line of the key", signing.Fingerprint(key), known.path)
		}
		return verifySnapshot(key, payload, signature)
	})
	if err != nil {
		return snap, f, fmt.Errorf("reading %s: %w", file, err)
	}
	return snap, f, nil
}

func snapshotShowCmd(o *output, keys *string) *cobra.Command {
	return &cobra.Command{
		Use: "show FILE", Short: "Show what a snapshot is of and what was done with it, without a network", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := o.check(); err != nil {
				return err
			}
			snap, _, err := readSnapshot(files[0], *keys)
			if err != nil {
				return err
			}
			c, _, torn, err := offline.ReadJournal(offline.JournalPath(files[0]), snap.ID)
			if err != nil {
				return err
			}
			all := struct {
				Snapshot offline.Snapshot `json:"snapshot"`
				Acts     []offline.Entry  `json:"acts"`
				Torn     int              `json:"torn,omitempty"`
			}{snap, c.Entries, torn}
			return o.print(cmd.OutOrStdout(), all, func(row func(...string)) {
				row("racks", strings.Join(snap.Scope, ", "))
				row("taken", clockText(snap.Taken)+" by "+snap.Actor)
				row("good until", clockText(snap.Expires))
				row("holds", fmt.Sprintf("%s, %d of other racks, %s", inventory.Plural(len(snap.Servers), "server"), len(snap.Others), inventory.Plural(len(snap.Cables), "cable")))
				for _, e := range c.Entries {
					row(clockText(e.Time), e.Actor+": "+e.What())
				}
				if torn > 0 {
					row("torn", fmt.Sprintf("%d bytes of an act that does not count", torn))
				}
				for _, odd := range c.Odd(snap, time.Now()) {
					row("clock", odd)
				}
			})
		},
	}
}

func verifySnapshot(key, payload, signature []byte) error {
	return signing.Verify(key, signing.Snapshot, payload, signature)
}
