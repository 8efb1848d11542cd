package qcow2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// qemuImg runs QEMU's own tool, the judge of what an image holds.
func qemuImg(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img %q: %v\n%s", args, err, out)
	}
}

// writeRaw makes a disk with data of different kinds and holes; its size is no multiple of a cluster.
func writeRaw(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	src := rand.NewChaCha8([32]byte{1})
	noise := make([]byte, 300_000)
	_, _ = src.Read(noise)
	for _, w := range []struct {
		at   int64
		data []byte
	}{
		{0, []byte("boot sector")},
		{1 << 20, noise},
		{3<<20 + 777, bytes.Repeat([]byte("compresses well "), 50_000)},
		{9 << 20, bytes.Repeat([]byte{0}, 70_000)},
		{12<<20 + 512 - 5, []byte("the end")},
	} {
		if _, err := f.WriteAt(w.data, w.at); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Truncate(12<<20+3*512), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) *Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	im, err := Open(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func TestAgainstQEMU(t *testing.T) {
	for name, args := range map[string][]string{
		"version 2":                {"-o", "compat=0.10"},
		"version 3":                {"-o", "compat=1.1"},
		"deflate":                  {"-c"},
		"deflate, version 2":       {"-c", "-o", "compat=0.10"},
		"zstd":                     {"-c", "-o", "compression_type=zstd"},
		"small clusters":           {"-o", "cluster_size=512"},
		"small clusters, deflate":  {"-c", "-o", "cluster_size=4096"},
		"large clusters, zstd":     {"-c", "-o", "cluster_size=2M,compression_type=zstd"},
		"preallocated, all mapped": {"-S", "0", "-o", "preallocation=full"},
		"lazy reference counts":    {"-o", "lazy_refcounts=on"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			raw, qcow, back := filepath.Join(dir, "raw"), filepath.Join(dir, "qcow2"), filepath.Join(dir, "back")
			writeRaw(t, raw)
			qemuImg(t, append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, args...), raw, qcow)...)
			qemuImg(t, "convert", "-f", "qcow2", "-O", "raw", qcow, back)
			want, err := os.ReadFile(back)
			if err != nil {
				t.Fatal(err)
			}
			im := open(t, qcow)
			got, err := io.ReadAll(io.NewSectionReader(im, 0, im.Size()))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%d bytes differ from the %d that qemu-img reads", len(got), len(want))
			}
			checkZero(t, im, want)
			checkRandomReads(t, im, want)
		})
	}
}

// checkZero compares what is said to be zero with the bytes.
func checkZero(t *testing.T, im *Image, want []byte) {
	t.Helper()
	known := 0
	for off := int64(0); off < im.Size(); off += 100_000 {
		n := min(100_000, im.Size()-off)
		if im.IsZero(off, n) {
			known++
			if len(bytes.Trim(want[off:off+n], "\x00")) != 0 {
				t.Errorf("bytes %d to %d are not zero", off, off+n)
			}
		}
	}
	t.Logf("%d pieces known to be zero", known)
}

func checkRandomReads(t *testing.T, im *Image, want []byte) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		off := rnd.Int64N(im.Size())
		p := make([]byte, rnd.IntN(200_000))
		n, err := im.ReadAt(p, off)
		end := min(off+int64(len(p)), im.Size())
		if int64(n) != end-off || (n < len(p)) != errors.Is(err, io.EOF) || !bytes.Equal(p[:n], want[off:end]) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", len(p), off, n, err)
		}
	}
}

func TestZeroFlag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	qemuImg(t, "create", "-f", "qcow2", path, "1M")
	if out, err := exec.Command("qemu-io", "-c", "write -P 7 0 1M", "-c", "write -z 128k 64k", path).CombinedOutput(); err != nil {
		t.Fatalf("qemu-io: %v\n%s", err, out)
	}
	im := open(t, path)
	if !im.IsZero(128<<10, 64<<10) || im.IsZero(0, 1<<20) {
		t.Error("the cluster that was zeroed is not known, or others are")
	}
	got, err := io.ReadAll(io.NewSectionReader(im, 0, im.Size()))
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte{7}, 1<<20)
	clear(want[128<<10 : 192<<10])
	if !bytes.Equal(got, want) {
		t.Error("bytes differ")
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	qemuImg(t, "create", "-f", "qcow2", path("base"), "1M")
	qemuImg(t, "create", "-f", "qcow2", "-b", path("base"), "-F", "qcow2", path("backing"))
	qemuImg(t, "create", "-f", "qcow2", "--object", "secret,id=s,data=secret", "-o", "encrypt.format=aes,encrypt.key-secret=s", path("encrypted"), "1M")
	qemuImg(t, "create", "-f", "qcow2", "-o", "extended_l2=on", path("extended"), "1M")
	qemuImg(t, "create", "-f", "qcow2", "-o", "data_file="+path("outside"), path("external"), "1M")
	for name, want := range map[string]string{
		"backing": "backing file", "encrypted": "encrypted", "extended": "extended L2", "external": "another file",
	} {
		b, err := os.ReadFile(path(name))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(bytes.NewReader(b), int64(len(b)))
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

// TestBroken changes a sound image in one place.
func TestBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	qemuImg(t, "create", "-f", "qcow2", path, "1M")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"other magic":      func(b []byte) []byte { b[0] = 'X'; return b },
		"cut in header":    func(b []byte) []byte { return b[:60] },
		"cut in version 3": func(b []byte) []byte { return b[:80] },
		"empty":            func([]byte) []byte { return nil },
		"version 9":        func(b []byte) []byte { b[7] = 9; return b },
		"clusters of 4 GB": func(b []byte) []byte { b[23] = 32; return b },
		"huge disk":        func(b []byte) []byte { b[24] = 0x7f; return b },
		"short L1":         func(b []byte) []byte { binary.BigEndian.PutUint64(b[24:], 1<<40); return b },
		"L1 outside":       func(b []byte) []byte { binary.BigEndian.PutUint64(b[40:], 1<<40); return b },
		"unknown feature":  func(b []byte) []byte { b[72] = 0x80; return b },
		"corrupt mark":     func(b []byte) []byte { b[79] |= 2; return b },
		"compression 7":    func(b []byte) []byte { b[104] = 7; return b },
	} {
		b := change(bytes.Clone(sound))
		if _, err := Open(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func FuzzImage(f *testing.F) {
	dir := f.TempDir()
	raw := filepath.Join(dir, "raw")
	if err := os.WriteFile(raw, append(bytes.Repeat([]byte("ab"), 3000), make([]byte, 10_000)...), 0o644); err != nil {
		f.Fatal(err)
	}
	for i, args := range [][]string{
		{"-o", "cluster_size=512"}, {"-c", "-o", "cluster_size=512"}, {"-c", "-o", "cluster_size=512,compression_type=zstd"}, {"-o", "cluster_size=512,compat=0.10"},
	} {
		out := filepath.Join(dir, string(rune('a'+i)))
		qemuImg(f, append(append([]string{"convert", "-f", "raw", "-O", "qcow2"}, args...), raw, out)...)
		b, err := os.ReadFile(out)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		im, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		buf := make([]byte, 70_000)
		for _, off := range []int64{0, 4096, im.Size() / 2, im.Size() - 100} {
			if off < 0 {
				continue
			}
			n, err := im.ReadAt(buf, off)
			if err == nil && n != len(buf) {
				t.Fatalf("ReadAt gave %d of %d bytes without an error", n, len(buf))
			}
			if err == nil && im.IsZero(off, int64(n)) && len(bytes.Trim(buf, "\x00")) != 0 {
				t.Fatal("bytes said to be zero are not")
			}
		}
	})
}
