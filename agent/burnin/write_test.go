package burnin

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
)

func diskFile(t *testing.T, name string, size int64) Disk {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Repeat("x", int(size))), 0o600); err != nil {
		t.Fatal(err)
	}
	return Disk{Name: name, Serial: "S-" + name, Path: path, Bytes: size}
}

// TestWriting: the disks that are named are written to and measured, and the others are as they were.
func TestWriting(t *testing.T) {
	sys, proc := tree(t)
	disks := []Disk{diskFile(t, "sda", 4<<20), diskFile(t, "sdb", 4<<20+4096), diskFile(t, "sdc", 4<<20)}
	r, err := Run(t.Context(), Plan{BurnIn: api.BurnIn{Tests: []string{api.TestDisk}, Seconds: 2, Memory: 1, Write: []string{"S-sda", "S-sdb"}}, Sys: sys, Proc: proc, Disks: disks})
	if err != nil || len(r.Failures) > 0 {
		t.Fatalf("%v, %+v", err, r.Failures)
	}
	got := map[string]float64{}
	for _, m := range r.Measured {
		got[m.Metric+" "+m.Part] = m.Value
	}
	for _, metric := range []string{"disk.write.sequential", "disk.write.sequential.all", "disk.write.random", "disk.write.random.all"} {
		if got[metric+" S-sda"] <= 0 || got[metric+" S-sdb"] <= 0 || got[metric+" S-sdc"] != 0 {
			t.Errorf("%s: %v", metric, got)
		}
	}
	if got["disk.read.sequential S-sdc"] <= 0 {
		t.Errorf("sdc was not read: %v", got)
	}
	for i, d := range disks {
		b, err := os.ReadFile(d.Path)
		if err != nil || int64(len(b)) != d.Bytes || (strings.Count(string(b[:4<<20]), "x") == 4<<20) != (i == 2) {
			t.Errorf("%s: %d bytes, %d of them as before, %v", d.Name, len(b), strings.Count(string(b), "x"), err)
		}
	}
	if notes := strings.Join(r.Notes, "; "); !strings.Contains(notes, "disk S-sda (sda): 100 % of it was written in sequence, and 100 % read back") {
		t.Errorf("%s", notes)
	}
}

// TestWrongBytesAreSeen: a sector that changed, one that another one was written over, and one that was not written.
func TestWrongBytesAreSeen(t *testing.T) {
	for _, random := range []bool{false, true} {
		size := int64(large)
		if random {
			size = small
		}
		for name, c := range map[string]struct {
			spoil func(b []byte)
			want  string
		}{
			"as written":  {func([]byte) {}, ""},
			"a bit":       {func(b []byte) { b[100]++ }, "the sector at byte 0 gave back other bytes"},
			"elsewhere":   {func(b []byte) { copy(b[3*sector:4*sector], b[5*sector:]) }, "the sector at byte 1536 gave back what was written at byte 2560"},
			"not written": {func(b []byte) { copy(b[7*sector:8*sector], strings.Repeat("x", sector)) }, "the sector at byte 3584 gave back other bytes"},
		} {
			p, u := newPattern(7), &usage{Disk: diskFile(t, "sda", size)}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			if err := p.write(ctx, u, size, random); err != nil || u.count < 1 {
				t.Fatalf("%s: %d blocks, %v", name, u.count, err)
			}
			cancel()
			b, err := os.ReadFile(u.Path)
			if err != nil {
				t.Fatal(err)
			}
			c.spoil(b)
			if err := os.WriteFile(u.Path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			f, buf, done, err := u.open(os.O_RDWR, size)
			if err != nil {
				t.Fatal(err)
			}
			n, err := p.readBack(t.Context(), f, u, buf, random, p.use)
			done()
			if c.want == "" && (err != nil || n != 1) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s, random %v: %d blocks, %v, want %q", name, random, n, err, c.want)
			}
		}
	}
}

// TestComingRound: a disk that is written more than once over is compared with what was written last, and the next use goes on where
// the one before it ended.
func TestComingRound(t *testing.T) {
	p, d := newPattern(1), diskFile(t, "sda", 3*large)
	for range 3 {
		u := &usage{Disk: d}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := p.write(ctx, u, large, false)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := p.over[d.Serial]
	if c.written < 3 || c.back < 3 || c.next != c.written {
		t.Errorf("%+v", c)
	}
	places := slices.Collect(func(yield func(int64) bool) {
		n := 0
		(&usage{Disk: d, first: 2}).places(large, false)(func(at int64) bool { n++; return yield(at) && n < 4 })
	})
	if !slices.Equal(places, []int64{2 * large, 0, large, 2 * large}) {
		t.Errorf("%d", places)
	}
}

// TestWhatIsNoOrderToWrite is refused before anything is written.
func TestWhatIsNoOrderToWrite(t *testing.T) {
	for _, b := range []api.BurnIn{{Tests: []string{api.TestCPU}, Write: []string{"S1"}}, {Tests: []string{api.TestDisk}, Write: []string{" "}}, {Tests: []string{api.TestDisk}, Write: []string{"S1", "S1"}}} {
		b.Seconds, b.Memory = 1, 1
		if err := Check(b); err == nil {
			t.Errorf("%+v is taken", b)
		}
	}
}
