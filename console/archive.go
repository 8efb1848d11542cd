package console

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Archive keeps the recordings of all servers, in a folder for each. One process writes it.
type Archive struct {
	dir string
	max int64 // bytes for each server
	mu  sync.Mutex
}

// leastArchive is the smallest bound that makes sense, in bytes.
const leastArchive = 1 << 20

// OpenArchive opens the archive in a folder, making it. perServer bounds the bytes that are kept of each server; at
// least a MiB is.
func OpenArchive(dir string, perServer int64) (*Archive, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the consoles' recordings: %w", err)
	}
	return &Archive{dir: dir, max: max(perServer, leastArchive)}, nil
}

// fileSize is after how many bytes a recording goes on in another file: the oldest file is deleted as a whole.
func (a *Archive) fileSize() int64 { return a.max / 8 }

// Recording is one file of a server's archive.
type Recording struct {
	ID    string
	Start time.Time
	End   time.Time // of the last record so far
	Bytes int64
}

// ErrNoRecording says that there is none of this name.
var ErrNoRecording = errors.New("no such recording")

const (
	extension  = ".console"
	timeFormat = "20060102T150405.000000Z"
)

var (
	recordingID = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{6}Z$`)
	folderName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
)

func (a *Archive) folder(machine string) (string, error) {
	if !folderName.MatchString(machine) || strings.Contains(machine, "..") {
		return "", fmt.Errorf("%w: %q is no machine's ID", ErrNoRecording, machine)
	}
	return filepath.Join(a.dir, machine), nil
}

// start begins a recording, whose file comes with the first output.
func (a *Archive) start(machine string) (*tape, error) {
	if _, err := a.folder(machine); err != nil {
		return nil, err
	}
	return &tape{archive: a, machine: machine}, nil
}

// create makes the file of a recording and deletes the oldest ones beyond the bound.
func (a *Archive) create(machine string, start time.Time) (string, *os.File, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	dir, err := a.folder(machine)
	if err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("making the folder of a recording: %w", err)
	}
	if err := a.prune(machine); err != nil {
		return "", nil, err
	}
	for {
		id := start.UTC().Format(timeFormat)
		f, err := os.OpenFile(filepath.Join(dir, id+extension), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			start = start.Add(time.Microsecond)
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("making a recording: %w", err)
		}
		return id, f, nil
	}
}

// prune makes room for another file.
func (a *Archive) prune(machine string) error {
	list, err := a.List(machine)
	if err != nil {
		return err
	}
	var sum int64
	for _, r := range list {
		sum += r.Bytes
	}
	for len(list) > 0 && sum+a.fileSize() > a.max {
		if err := os.Remove(a.path(machine, list[0].ID)); err != nil {
			return fmt.Errorf("deleting the oldest recording: %w", err)
		}
		sum -= list[0].Bytes
		list = list[1:]
	}
	return nil
}

func (a *Archive) path(machine, id string) string { return filepath.Join(a.dir, machine, id+extension) }

// List is a server's recordings, oldest first.
func (a *Archive) List(machine string) ([]Recording, error) {
	dir, err := a.folder(machine)
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing recordings: %w", err)
	}
	var list []Recording
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), extension)
		if !ok || !recordingID.MatchString(id) {
			continue
		}
		start, err := time.Parse(timeFormat, id)
		if err != nil {
			continue
		}
		info, err := f.Info()
		if err != nil {
			continue // deleted meanwhile
		}
		list = append(list, Recording{ID: id, Start: start, End: info.ModTime().UTC(), Bytes: info.Size()})
	}
	slices.SortFunc(list, func(a, b Recording) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// Open opens a recording. An empty id is the newest one.
func (a *Archive) Open(machine, id string) (*Reader, error) {
	if _, err := a.folder(machine); err != nil {
		return nil, err
	}
	if id == "" {
		list, err := a.List(machine)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("%w: nothing of this console was recorded", ErrNoRecording)
		}
		id = list[len(list)-1].ID
	}
	if !recordingID.MatchString(id) {
		return nil, fmt.Errorf("%w: %q", ErrNoRecording, id)
	}
	f, err := os.Open(a.path(machine, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoRecording, id)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a recording: %w", err)
	}
	return newReader(f)
}
