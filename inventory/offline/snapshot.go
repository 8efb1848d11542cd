package offline

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"socle/inventory"
	"socle/inventory/cabling"
)

// Errors of snapshots.
var (
	ErrFormat  = errors.New("this is no snapshot of Socle")
	ErrExpired = errors.New("the snapshot has expired")
)

// Snapshot is what a person needs in the aisle, as it was when it was taken.
type Snapshot struct {
	ID      string    `json:"id"`
	Taken   time.Time `json:"taken"`   // by the server's clock
	Expires time.Time `json:"expires"` // nobody begins work with it later
	Actor   string    `json:"actor"`   // who took it
	Scope   []string  `json:"scope"`   // full names of the racks that it is of
	// Fixtures are racks of the scope and what stands in them besides servers.
	Fixtures []inventory.Fixture `json:"fixtures,omitempty"`
	Servers  []Server            `json:"servers"`
	// Others are servers of other racks and those without a place, so that one that is on the wrong cart is known.
	Others []Server        `json:"others,omitempty"`
	Cables []cabling.Cable `json:"cables,omitempty"` // planned, of the servers
}

// Server is a server in a snapshot. Of Others only who it is and where it goes is known.
type Server struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Serial   string          `json:"serial,omitempty"`
	AssetTag string          `json:"asset_tag,omitempty"`
	Place    inventory.Place `json:"place,omitzero"` // planned
	Model    string          `json:"model,omitempty"`
	State    string          `json:"state,omitempty"`
	Power    string          `json:"power,omitempty"`
	Trouble  string          `json:"trouble,omitempty"` // the fault or the hold, in words
	Fault    bool            `json:"fault,omitempty"`
	Held     bool            `json:"held,omitempty"`
	Racked   *Racked         `json:"racked,omitempty"` // at its place; nil when nobody said so
	Wrong    []Wrong         `json:"wrong,omitempty"`  // what keeps it from being done
	Then     []Wrong         `json:"then,omitempty"`   // what is left of it once the server is racked
}

// Racked is who put a server to its place, and when.
type Racked struct {
	Actor string    `json:"actor"`
	Time  time.Time `json:"time"`
}

// Wrong is one thing that is wrong, and what to do about it in the aisle.
type Wrong struct {
	What   string `json:"what"`
	Remedy string `json:"remedy,omitempty"`
}

// Covers tells whether a rack is among those that the snapshot is of.
func (s Snapshot) Covers(rack string) bool {
	return slices.ContainsFunc(s.Scope, func(r string) bool { return strings.EqualFold(r, rack) })
}

// Server is the one with an ID, Others included.
func (s Snapshot) Server(id string) (Server, bool) {
	for _, list := range [][]Server{s.Servers, s.Others} {
		if i := slices.IndexFunc(list, func(x Server) bool { return x.ID == id }); i >= 0 {
			return list[i], true
		}
	}
	return Server{}, false
}

// Candidates are all servers that a scanned code may be of.
func (s Snapshot) Candidates() iter.Seq[inventory.Candidate] {
	return func(yield func(inventory.Candidate) bool) {
		for _, list := range [][]Server{s.Servers, s.Others} {
			for _, x := range list {
				if !yield(x.Candidate()) {
					return
				}
			}
		}
	}
}

// Candidate is the server as one that a person holds in the hands.
func (x Server) Candidate() inventory.Candidate {
	return inventory.Candidate{ID: x.ID, Name: x.Name, Serial: x.Serial, AssetTag: x.AssetTag, Place: x.Place}
}

// Sort puts the lists into the order in which people read them.
func (s *Snapshot) Sort() {
	slices.Sort(s.Scope)
	s.Scope = slices.Compact(s.Scope)
	for _, list := range [][]Server{s.Servers, s.Others} {
		slices.SortFunc(list, func(a, b Server) int { return strings.Compare(a.Name, b.Name) })
	}
	cabling.Sort(s.Cables)
}

// format names the shape of a file.
const format = "socle-snapshot/1"

// maxSnapshot bounds an unpacked snapshot, in bytes: 100,000 servers with all that is wrong with them.
const maxSnapshot = 64 << 20

// File is a signed snapshot as it is carried along.
type File struct {
	Format    string `json:"format"`
	Payload   []byte `json:"payload"`   // gzip of the snapshot's JSON; exactly these bytes are signed
	Key       []byte `json:"key"`       // public key of the installation (Ed25519, RFC 8032)
	Signature []byte `json:"signature"` // for the purpose "snapshot"
}

// Seal packs a snapshot and has it signed; sign returns the public key and the signature.
func Seal(s Snapshot, sign func(payload []byte) (key, signature []byte, err error)) (File, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(s); err != nil {
		return File{}, fmt.Errorf("packing a snapshot: %w", err)
	}
	if err := z.Close(); err != nil {
		return File{}, fmt.Errorf("packing a snapshot: %w", err)
	}
	f := File{Format: format, Payload: b.Bytes()}
	var err error
	if f.Key, f.Signature, err = sign(f.Payload); err != nil {
		return File{}, fmt.Errorf("signing a snapshot: %w", err)
	}
	return f, nil
}

// Open unpacks a snapshot after verify has found that a trusted key signed it. Nothing of it is read before.
func (f File) Open(verify func(key, payload, signature []byte) error) (Snapshot, error) {
	var s Snapshot
	if f.Format != format {
		return s, fmt.Errorf("%w: its format is %q, not %q", ErrFormat, brief(f.Format), format)
	}
	if err := verify(f.Key, f.Payload, f.Signature); err != nil {
		return s, err
	}
	z, err := gzip.NewReader(bytes.NewReader(f.Payload))
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxSnapshot+1))
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(text) > maxSnapshot {
		return s, fmt.Errorf("%w: unpacked it has more than %d MiB", ErrFormat, maxSnapshot>>20)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return Snapshot{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if s.ID == "" || s.Taken.IsZero() || s.Expires.IsZero() {
		return Snapshot{}, fmt.Errorf("%w: it does not say who it is and how long it is good for", ErrFormat)
	}
	return s, nil
}

// ReadFile reads a snapshot's file; nothing of it is trusted yet.
func ReadFile(text []byte) (File, error) {
	var f File
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return f, nil
}

// Usable tells whether work may begin with the snapshot now, by a laptop's clock that may be wrong: warning says what is
// odd about it.
func (s Snapshot) Usable(now time.Time) (warning string, err error) {
	if now.After(s.Expires) {
		return "", fmt.Errorf("%w at %s, and this computer's clock says %s: take a new one, or set the clock", ErrExpired, clock(s.Expires), clock(now))
	}
	if early := s.Taken.Sub(now); early > slack {
		return fmt.Sprintf("this computer's clock says %s, which is %s before the snapshot was taken: it is wrong, and so are the times that are written down", clock(now), early.Round(time.Minute)), nil
	}
	return "", nil
}

// slack is how much two clocks may differ before it is said.
const slack = 2 * time.Minute

// Skew says by how much the laptop's clock is wrong, in words: "1h5m0s behind"; empty when it is right.
func Skew(ahead time.Duration) string {
	switch ahead = ahead.Round(time.Second); {
	case ahead > slack:
		return ahead.String() + " ahead"
	case ahead < -slack:
		return (-ahead).String() + " behind"
	}
	return ""
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// brief bounds what an error shows of foreign text.
func brief(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
