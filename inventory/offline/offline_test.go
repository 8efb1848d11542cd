package offline_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/inventory"
	"socle/inventory/offline"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// carried is a snapshot of rack r7 with two servers, and one of another rack.
func carried() offline.Snapshot {
	s := offline.Snapshot{ID: "SNAP", Taken: noon, Expires: noon.Add(72 * time.Hour), Actor: "token:anna", Scope: []string{"lab/r7"}}
	for n := 1; n <= 3; n++ {
		x := offline.Server{ID: fmt.Sprintf("id-%d", n), Name: fmt.Sprintf("n%d", n), Serial: fmt.Sprintf("SN-%d", n), AssetTag: fmt.Sprintf("T-%d", n),
			Place: inventory.Place{Site: "lab", Rack: "r7", U: 2*n - 1, Height: 2}}
		if n == 3 {
			x.Place.Rack = "r8"
			s.Others = append(s.Others, x)
		} else {
			s.Servers = append(s.Servers, x)
		}
	}
	return s
}

func racked(n int) offline.Entry {
	x, _ := carried().Server(fmt.Sprintf("id-%d", n))
	return offline.Entry{Time: noon.Add(time.Duration(n) * time.Minute), Actor: "anna", Kind: offline.ActRacked, Rack: "lab/r7", Machine: x.ID, Name: x.Name, Code: x.Serial, Place: x.Place}
}

// signer signs as an installation does, and refuses what it did not sign.
func signer(t testing.TB) (sign func([]byte) ([]byte, []byte, error), verify func(key, payload, signature []byte) error) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(p []byte) ([]byte, []byte, error) { return public, ed25519.Sign(private, p), nil },
		func(_, p, s []byte) error {
			if !ed25519.Verify(public, p, s) {
				return errors.New("the signature is wrong")
			}
			return nil
		}
}

func TestSnapshotIsReadOnlyWhenItsSignatureIsRight(t *testing.T) {
	sign, verify := signer(t)
	f, err := offline.Seal(carried(), sign)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	f, err = offline.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Open(verify)
	if err != nil || s.ID != "SNAP" || !s.Covers("LAB/R7") || s.Covers("lab/r8") || len(s.Servers) != 2 {
		t.Fatalf("%+v %v", s, err)
	}
	if x, known := s.Server("id-3"); !known || x.Name != "n3" {
		t.Errorf("%+v", x)
	}
	if c, err := inventory.Scanned(s.Candidates(), "t-2", "lab/r7"); err != nil || c.Name != "n2" {
		t.Errorf("%+v %v", c, err)
	}
	for i := range f.Payload {
		g := f
		g.Payload = slices.Clone(f.Payload)
		g.Payload[i] ^= 1
		if _, err := g.Open(verify); err == nil {
			t.Fatalf("byte %d was changed, and it opens", i)
		}
	}
	_, stranger := signer(t)
	if _, err := f.Open(stranger); err == nil {
		t.Error("one of another installation opens")
	}
	g := f
	g.Format = "socle-snapshot/2"
	if _, err := g.Open(verify); !errors.Is(err, offline.ErrFormat) {
		t.Error(err)
	}
	trusting := func(_, _, _ []byte) error { return nil }
	for _, payload := range []string{"", "no gzip"} {
		if _, err := (offline.File{Format: "socle-snapshot/1", Payload: []byte(payload)}).Open(trusting); !errors.Is(err, offline.ErrFormat) {
			t.Errorf("%q: %v", payload, err)
		}
	}
	if _, err := offline.ReadFile([]byte("%PDF")); !errors.Is(err, offline.ErrFormat) {
		t.Error(err)
	}
}

func TestClocks(t *testing.T) {
	s := carried()
	if w, err := s.Usable(noon.Add(time.Hour)); w != "" || err != nil {
		t.Error(w, err)
	}
	if _, err := s.Usable(noon.Add(73 * time.Hour)); !errors.Is(err, offline.ErrExpired) || !strings.Contains(err.Error(), "2026-11-29 12:00 UTC") {
		t.Error(err)
	}
	if w, err := s.Usable(noon.Add(-5 * time.Hour)); err != nil || !strings.Contains(w, "5h0m0s before the snapshot was taken") {
		t.Error(w, err)
	}
	for ahead, want := range map[time.Duration]string{time.Minute: "", 65 * time.Minute: "1h5m0s ahead", -time.Hour: "1h0m0s behind"} {
		if got := offline.Skew(ahead); got != want {
			t.Errorf("%s: %q", ahead, got)
		}
	}
	c := offline.NewChain("SNAP")
	for _, at := range []time.Time{noon.Add(-time.Hour), noon.Add(time.Hour), noon.Add(30 * time.Minute), noon.Add(9 * time.Hour)} {
		e := racked(1)
		e.Time = at
		if _, err := c.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	odd := strings.Join(c.Odd(s, noon.Add(2*time.Hour)), "\n")
	for _, want := range []string{"11:00 UTC: that is before the snapshot", "12:30 UTC: that is before what was done earlier", "21:00 UTC: that is still to come"} {
		if !strings.Contains(odd, want) {
			t.Errorf("no %q in\n%s", want, odd)
		}
	}
}

func TestJudge(t *testing.T) {
	base, _ := carried().Server("id-1")
	place := base.Place
	other := place
	other.U = 9
	now := offline.Standing{Known: true, Name: "n1", Serial: "sn-1", Place: place}
	change := func(f func(*offline.Standing)) offline.Standing {
		s := now
		f(&s)
		return s
	}
	for _, tc := range []struct {
		name string
		now  offline.Standing
		want offline.Outcome
		why  string
	}{
		{"nothing changed", now, offline.Applied, ""},
		{"racked meanwhile", change(func(s *offline.Standing) { s.Racked = &inventory.Racking{Actor: "bob", Time: noon} }), offline.Same, "bob racked it at 2026-11-26 12:00 UTC"},
		{"moved", change(func(s *offline.Standing) { s.Place = other }), offline.Conflict, "was to go into rack lab/r7, U 1 to 2, and is to go into rack lab/r7, U 9 to 10 now"},
		{"taken", change(func(s *offline.Standing) { s.Place = other; s.Taken = "machine n9" }), offline.Conflict, "U 1 to 2 of rack lab/r7 is that of machine n9 now"},
		{"other serial", change(func(s *offline.Standing) { s.Serial = "X" }), offline.Conflict, "its serial number was SN-1, and is X now"},
		{"no place", change(func(s *offline.Standing) { s.Place = inventory.Place{} }), offline.Conflict, "no place now"},
		{"retired", change(func(s *offline.Standing) { s.Retired = true }), offline.Conflict, "retired"},
		{"gone", offline.Standing{}, offline.Conflict, "not known any more"},
	} {
		got, why := offline.Judge(racked(1), base, tc.now)
		if got != tc.want || !strings.Contains(strings.Join(why, "; "), tc.why) || tc.now.Words() == "" {
			t.Errorf("%s: %s %q", tc.name, got, why)
		}
	}
	if got, _ := offline.Judge(offline.Entry{Kind: offline.ActNote}, offline.Server{}, offline.Standing{}); got != offline.Applied {
		t.Errorf("a note: %s", got)
	}
}

// TestBatchIsOfItsSnapshot: what the journal says of servers is what the snapshot said.
func TestBatchIsOfItsSnapshot(t *testing.T) {
	stranger, elsewhere := racked(1), racked(1)
	stranger.Machine = "id-9"
	elsewhere.Place.U = 30
	for want, entries := range map[string][]offline.Entry{
		"": {racked(1), racked(2)}, "does not know": {racked(1), stranger}, "another place": {elsewhere},
	} {
		err := offline.Batch{Snapshot: carried(), Entries: entries}.Check()
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, offline.ErrDamaged) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
