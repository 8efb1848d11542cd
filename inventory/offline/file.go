package offline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// maxJournal bounds a journal's file, in bytes.
const maxJournal = 16 << 20

// Journal is a journal in a file: append-only, and on the disk before an act is said to be written down.
type Journal struct {
	*Chain
	// Torn is how many bytes of an entry a crash left, that was never said to be written down; they were taken off.
	Torn int
	file *os.File
}

// JournalPath is where the journal of a snapshot's file lies: beside it.
func JournalPath(snapshot string) string { return snapshot + ".journal" }

// OpenJournal opens the journal of a snapshot, or begins it. One process at a time has it.
func OpenJournal(path, snapshot string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j, err := load(f, snapshot)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the journal %s: %w", path, err), f.Close())
	}
	return j, nil
}

func load(f *os.File, snapshot string) (*Journal, error) {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("somebody else works with it (%w)", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxJournal+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxJournal {
		return nil, fmt.Errorf("%w: it has more than %d MiB", ErrDamaged, maxJournal>>20)
	}
	c, torn, err := Parse(text, snapshot)
	if err != nil {
		return nil, err
	}
	if len(torn) > 0 {
		if err := f.Truncate(int64(len(text) - len(torn))); err != nil {
			return nil, fmt.Errorf("taking off what a crash left: %w", err)
		}
	}
	// The folder, too: a file whose name is not on the disk is lost with all that is in it.
	if err := errors.Join(f.Sync(), syncFolder(filepath.Dir(f.Name()))); err != nil {
		return nil, err
	}
	return &Journal{Chain: c, Torn: len(torn), file: f}, nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Write appends an act. When it returns without an error, the act is on the disk; after an error the journal is to be opened
// again.
func (j *Journal) Write(e Entry) (Entry, error) {
	line, err := j.Add(e)
	if err != nil {
		return Entry{}, err
	}
	if _, err := j.file.Write(line); err != nil {
		return Entry{}, fmt.Errorf("writing the journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return Entry{}, fmt.Errorf("writing the journal: %w", err)
	}
	return j.Entries[len(j.Entries)-1], nil
}

// Close ends the work with the file.
func (j *Journal) Close() error { return j.file.Close() }

// ReadJournal reads a journal without touching it, as it is: text is what a server gets. One that is not there is empty.
func ReadJournal(path, snapshot string) (c *Chain, text []byte, torn int, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return NewChain(snapshot), nil, 0, nil
	}
	if err != nil {
		return nil, nil, 0, fmt.Errorf("opening the journal: %w", err)
	}
	defer func() { _ = f.Close() }()
	if text, err = io.ReadAll(io.LimitReader(f, maxJournal)); err != nil {
		return nil, nil, 0, fmt.Errorf("reading the journal: %w", err)
	}
	c, left, err := Parse(text, snapshot)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("reading the journal %s: %w", path, err)
	}
	return c, text[:len(text)-len(left)], len(left), nil
}
