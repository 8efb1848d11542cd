package disk

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socle/api"
)

// sparse is an empty disk of a regular file.
func sparse(t testing.TB, size int64) (*Device, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, path
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestPrepare(t *testing.T) {
	d, path := newDisk(t, 64<<20)
	for range 2 { // again is the same
		if err := Prepare(t.Context(), d, "socle-d1"); err != nil {
			t.Fatal(err)
		}
		got := run(t, "/sbin/parted", "-ms", path, "unit", "s", "print")
		if !strings.Contains(got, "\n1:2048s:129023s:126976s::socle-d1:;") || !strings.Contains(got, ":gpt:") {
			t.Errorf("parted sees:\n%s", got)
		}
		if !isZero(contents(t, path)[1<<20 : wipe]) {
			t.Error("the partition's head is not empty")
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	d, path := newDisk(t, 8<<20)
	for label, code := range map[string]string{"": api.CodeBadParams, strings.Repeat("x", 37): api.CodeBadParams, "ok": api.CodeTooSmall} {
		if err := Prepare(t.Context(), d, label); Code(err) != code {
			t.Errorf("label %q: %v, want code %s", label, err, code)
		}
	}
	if got := contents(t, path); !bytes.HasPrefix(got, []byte("old!")) {
		t.Error("something was written")
	}
}

// imageDisk is a disk of size bytes with a parted-made image of imageSize on it.
func imageDisk(t testing.TB, imageSize, size int64) (*Device, string) {
	t.Helper()
	d, path := sparse(t, imageSize)
	run(t, "/sbin/parted", "-s", path, "mklabel", "gpt", "mkpart", "ESP", "fat32", "1MiB", "9MiB", "set", "1", "esp", "on", "mkpart", "root", "ext4", "9MiB", "100%")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, path
}

func TestSeed(t *testing.T) {
	d, path := imageDisk(t, 64<<20, 128<<20)
	files := map[string]string{"meta-data": "instance-id: hv01\n", "user-data": "#cloud-config\n" + strings.Repeat("# long\n", 5000),
		"network-config": "version: 2\n", "vendor-data": ""}
	before, err := ReadTable(d, d.Size(), d.Sector())
	if err != nil {
		t.Fatal(err)
	}
	var once []byte
	for i := range 2 {
		if err := Seed(t.Context(), d, files); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			once = contents(t, path)
		} else if !bytes.Equal(once, contents(t, path)) {
			t.Error("the same seed twice is another disk")
		}
	}
	// parted complains when the backup table is not at the disk's end
	table := run(t, "/sbin/parted", "-ms", path, "unit", "MiB", "print")
	if !strings.Contains(table, "3:111MiB:127MiB:16.0MiB:fat16:CIDATA:") || strings.Contains(strings.ToLower(table), "warning") {
		t.Errorf("parted sees:\n%s", table)
	}
	after, err := ReadTable(d, d.Size(), d.Sector())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Partitions, after.Partitions[:2], cmp.AllowUnexported(Partition{})); diff != "" || before.Disk != after.Disk || !after.backupOK {
		t.Errorf("the image's own partitions changed (-before +after), backup table at the end: %v\n%s", after.backupOK, diff)
	}
	p, _ := after.Find(SeedLabel)
	fs := filepath.Join(t.TempDir(), "seed")
	if err := os.WriteFile(fs, once[p.First*512:(p.Last+1)*512], 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "/sbin/fsck.fat", "-n", fs)
	if got := run(t, "/sbin/blkid", "-p", "-o", "value", "-s", "LABEL", fs); got != "CIDATA\n" {
		t.Errorf("blkid reads label %q", got)
	}
	for name, want := range files {
		if got := run(t, "mtype", "-i", fs, "::"+name); got != want {
			t.Errorf("mtools reads %d bytes of %s, want %d", len(got), name, len(want))
		}
	}
}

func TestSeedRefuses(t *testing.T) {
	ok := map[string]string{"meta-data": "x"}
	for _, tc := range []struct {
		name        string
		image, size int64
		files       map[string]string
		code        string
	}{
		{"no room", 64 << 20, 64 << 20, ok, api.CodeTooSmall},
		{"no partition table", 0, 64 << 20, ok, api.CodeDiskError},
		{"no meta-data", 64 << 20, 128 << 20, map[string]string{"user-data": "x"}, api.CodeBadParams},
		{"a path", 64 << 20, 128 << 20, map[string]string{"meta-data": "x", "../x": "x"}, api.CodeBadParams},
		{"too much", 64 << 20, 128 << 20, map[string]string{"meta-data": strings.Repeat("x", 17<<20)}, api.CodeTooSmall},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var d *Device
			var path string
			if tc.image == 0 {
				d, path = sparse(t, tc.size)
			} else {
				d, path = imageDisk(t, tc.image, tc.size)
			}
			before := contents(t, path)
			if err := Seed(t.Context(), d, tc.files); Code(err) != tc.code || err == nil {
				t.Errorf("error %v, want code %s", err, tc.code)
			}
			if !bytes.Equal(before, contents(t, path)) {
				t.Error("something was written")
			}
		})
	}
}

func TestTableRoundTrip(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		d, _ := sparse(t, 64<<20)
		d.sector = sector
		want := NewTable(d.Size(), sector)
		for i, name := range []string{"ESP", "Wurzel ü 根"} {
			first := uint64((1 + 8*i) << 20 / sector)
			if _, err := want.Add(Partition{Type: TypeESP, First: first, Last: first + 100, Name: name, Attributes: 4}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := want.Add(Partition{Type: TypeESP, First: uint64(1 << 20 / sector), Last: uint64(2 << 20 / sector), Name: "overlap"}); err == nil {
			t.Error("overlapping partitions were accepted")
		}
		if err := want.Write(d); err != nil {
			t.Fatal(err)
		}
		got, err := ReadTable(d, d.Size(), sector)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Table{}, Partition{}), cmpopts.IgnoreFields(Table{}, "backupOK")); diff != "" {
			t.Errorf("sector %d (-written +read):\n%s", sector, diff)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	d, path := sparse(f, 1<<20)
	table := NewTable(d.Size(), 512)
	if _, err := table.Add(Partition{Type: TypeESP, First: 64, Last: 100, Name: "ESP"}); err != nil {
		f.Fatal(err)
	}
	if err := table.Write(d); err != nil {
		f.Fatal(err)
	}
	f.Add(contents(f, path)[:40*512])
	f.Add([]byte("EFI PART"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1024 {
			b = append(b, make([]byte, 1024-len(b))...)
		}
		table, err := ReadTable(bytes.NewReader(b), int64(len(b)), 512)
		if err != nil {
			return
		}
		for _, p := range table.Partitions {
			if p.First > p.Last || p.Last >= uint64(len(b)/512) {
				t.Errorf("partition %+v is outside of a disk of %d bytes", p, len(b))
			}
		}
	})
}

func TestReadTableRefusesDamage(t *testing.T) {
	_, path := imageDisk(t, 32<<20, 32<<20)
	good := contents(t, path)
	for _, at := range []int{512, 512 + 16, 512 + 24, 512 + 40, 512 + 80, 1024, 1024 + 128} {
		bad := bytes.Clone(good)
		bad[at] ^= 0x40
		if _, err := ReadTable(bytes.NewReader(bad), int64(len(bad)), 512); !errors.Is(err, ErrNoGPT) {
			t.Errorf("byte %d damaged: %v, want %v", at, err, ErrNoGPT)
		}
	}
}
