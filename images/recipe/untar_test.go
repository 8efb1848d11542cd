package recipe

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// archived is one entry of an archive for a test; its owner is whoever runs the test.
type archived struct {
	tar.Header
	data string
}

func regular(name, data string) archived {
	return archived{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(data))}, data}
}

func link(kind byte, name, to string) archived {
	return archived{Header: tar.Header{Name: name, Typeflag: kind, Linkname: to, Mode: 0o777}}
}

func folder(name string, mode int64) archived {
	return archived{Header: tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode}}
}

func archive(t testing.TB, entries ...archived) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if e.Uid == 0 && e.Gid == 0 {
			e.Uid, e.Gid = os.Getuid(), os.Getgid()
		}
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// unpacked unpacks an archive into DIR/root; what is in DIR beside must stay as it is.
func unpacked(t testing.TB, dir string, in io.Reader, maxBytes int64) (*os.Root, error) {
	t.Helper()
	path := filepath.Join(dir, "root")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root, newUntar(root, maxBytes).run(t.Context(), in, slog.New(slog.DiscardHandler))
}

func TestUntarKeepsWhatFilesAre(t *testing.T) {
	capability := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" // cap_net_raw=ep
	at := time.Unix(1_600_000_000, 0)
	ping := regular("./usr/bin/ping", "ping")
	ping.Mode, ping.PAXRecords = 0o4755, map[string]string{xattrRecord + "security.capability": capability, xattrRecord + "trusted.overlay.opaque": "y"}
	ping.ModTime = at
	mail := regular("var/mail/db", "m")
	mail.Uid, mail.Gid, mail.Mode = 70001, 8, 0o640
	usr := folder("./usr/", 0o751)
	usr.ModTime = at
	node := archived{Header: tar.Header{Name: "dev/sda", Typeflag: tar.TypeBlock, Devmajor: 8, Mode: 0o666}}
	root, err := unpacked(t, t.TempDir(), archive(t,
		folder("./", 0o700), usr, folder("usr/bin", 0o755), ping, mail, node,
		link(tar.TypeSymlink, "bin", "usr/bin"), folder("bin/", 0o700), regular("bin/sh", "sh"),
		link(tar.TypeLink, "usr/bin/dash", "/bin/sh"), link(tar.TypeSymlink, "etc/mtab", "/proc/mounts"),
		regular("twice", "first"), regular("twice", "second"), folder("tmp", 0o1777),
	), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{}
	for _, name := range []string{".", "usr", "usr/bin/ping", "var/mail/db", "tmp", "usr/bin"} {
		info, err := root.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		modes[name] = info.Mode()
		if strings.HasPrefix(name, "usr/bin/p") || name == "usr" {
			if !info.ModTime().Equal(at) {
				t.Errorf("%s is of %v, want %v", name, info.ModTime(), at)
			}
		}
	}
	want := map[string]fs.FileMode{
		".": fs.ModeDir | 0o755, "usr": fs.ModeDir | 0o751, "usr/bin/ping": fs.ModeSetuid | 0o755, "var/mail/db": 0o640,
		"tmp": fs.ModeDir | fs.ModeSticky | 0o777, "usr/bin": fs.ModeDir | 0o755,
	}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
	if info, err := root.Lstat("var/mail/db"); err != nil || info.Sys().(*syscall.Stat_t).Uid != 70001 || info.Sys().(*syscall.Stat_t).Gid != 8 {
		t.Errorf("var/mail/db: %+v, %v", info, err)
	}
	path := filepath.Join(root.Name(), "usr/bin/ping")
	got := make([]byte, 100)
	if n, err := unix.Getxattr(path, "security.capability", got); err != nil || string(got[:n]) != capability {
		t.Errorf("the capability of ping is %q (%v)", got[:max(n, 0)], err)
	}
	if _, err := unix.Getxattr(path, "trusted.overlay.opaque", got); err == nil {
		t.Error("an attribute of another host's overlay was taken over")
	}
	for name, want := range map[string]string{"usr/bin/dash": "sh", "twice": "second"} {
		if text, err := root.ReadFile(name); err != nil || string(text) != want {
			t.Errorf("%s is %q (%v), want %q", name, text, err, want)
		}
	}
	if to, err := root.Readlink("etc/mtab"); err != nil || to != "/proc/mounts" {
		t.Errorf("etc/mtab leads to %q (%v)", to, err)
	}
	if _, err := root.Lstat("dev/sda"); err == nil {
		t.Error("a device node was made on this host")
	}
}

// TestUntarStaysInside gives archives that want to read or write outside of the tree.
func TestUntarStaysInside(t *testing.T) {
	sparse := archived{Header: tar.Header{Name: "huge", Typeflag: tar.TypeReg, Mode: 0o644}}
	owner := regular("a", "")
	owner.Uid = 1<<32 - 1
	tests := map[string]struct {
		entries []archived
		want    string // in the error; empty: it unpacks, inside
	}{
		"absolute":             {[]archived{regular("/etc/passwd", "x")}, "leads out of the archive"},
		"dots":                 {[]archived{regular("../outside", "x")}, "leads out of the archive"},
		"dots within":          {[]archived{regular("a/../../outside", "x")}, "leads out of the archive"},
		"dots that stay":       {[]archived{regular("a/../b", "x")}, `has ".." in it`},
		"folder of dots":       {[]archived{folder("..", 0o777)}, "leads out of the archive"},
		"absolute link":        {[]archived{link(tar.TypeSymlink, "a", "OUTSIDE"), regular("a/outside", "x")}, "escapes"},
		"relative link":        {[]archived{link(tar.TypeSymlink, "a", ".."), regular("a/outside", "x")}, "escapes"},
		"link of links":        {[]archived{link(tar.TypeSymlink, "a/b", ".."), link(tar.TypeSymlink, "c", "a/b/.."), regular("c/outside", "x")}, "escapes"},
		"link to a file":       {[]archived{link(tar.TypeSymlink, "a", "OUTSIDE/outside"), regular("a", "x")}, ""},
		"folder over link":     {[]archived{link(tar.TypeSymlink, "a", "OUTSIDE"), folder("a", 0o777), regular("a/outside", "x")}, ""},
		"hard link with dots":  {[]archived{link(tar.TypeLink, "a", "../outside"), regular("a", "x")}, "leads out of the archive"},
		"absolute hard link":   {[]archived{link(tar.TypeLink, "a", "/../outside"), regular("a", "x")}, "leads out of the archive"},
		"hard link by link":    {[]archived{link(tar.TypeSymlink, "l", ".."), link(tar.TypeLink, "a", "l/outside")}, "escapes"},
		"hard link to link":    {[]archived{link(tar.TypeSymlink, "l", "OUTSIDE/outside"), link(tar.TypeLink, "a", "l"), regular("a", "x")}, ""},
		"link through itself":  {[]archived{link(tar.TypeSymlink, "a", "a"), regular("a/b", "x")}, "too many"},
		"bytes beyond":         {[]archived{regular("a", strings.Repeat("x", 600)), regular("b", strings.Repeat("x", 600))}, "more than the 1000 bytes"},
		"file over folder":     {[]archived{regular("a/b", "x"), regular("a", "x")}, "not empty"},
		"folder below file":    {[]archived{regular("a", "x"), regular("a/b", "x")}, "file exists"},
		"no owner":             {[]archived{owner}, "which is none"},
		"root is a link":       {[]archived{link(tar.TypeSymlink, ".", "/")}, "not a folder"},
		"nothing":              {nil, "empty archive"},
		"a sparse file's hole": {[]archived{sparse}, "more than the 1000 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			outside := filepath.Join(dir, "outside")
			if err := os.WriteFile(outside, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			for i := range tt.entries {
				tt.entries[i].Linkname = strings.Replace(tt.entries[i].Linkname, "OUTSIDE", dir, 1)
			}
			in := archive(t, tt.entries...)
			if name == "a sparse file's hole" {
				in = sparseArchive(t)
			}
			_, err := unpacked(t, dir, in, 1000)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			text, err := os.ReadFile(outside)
			info, statErr := os.Lstat(outside)
			if err != nil || statErr != nil || string(text) != "mine" || info.Mode() != 0o600 || info.Sys().(*syscall.Stat_t).Nlink != 1 {
				t.Errorf("the file outside is %q, %v (%v, %v)", text, info, err, statErr)
			}
			if list, err := os.ReadDir(dir); err != nil || len(list) != 2 {
				t.Errorf("beside the tree are %v (%v)", list, err)
			}
		})
	}
}

// sparseArchive is of one file of eight exabytes that is all hole, in some hundred bytes (GNU's format 1.0).
func sparseArchive(t *testing.T) *bytes.Buffer {
	t.Helper()
	const size = "8000000000000000000"
	body := "0\n"
	body += strings.Repeat("\x00", 512-len(body))
	b := archive(t, regular("huge", body))
	pax := ""
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=huge", "GNU.sparse.realsize=" + size} {
		for n := len(r); ; n++ {
			if line := strconv.Itoa(n) + " " + r + "\n"; len(line) == n {
				pax += line
				break
			}
		}
	}
	// archive/tar writes no such records, so the header is a regular file's with another type.
	h := archive(t, regular("PaxHeaders/huge", pax)).Bytes()
	head := h[:1024]
	head[156] = tar.TypeXHeader
	copy(head[148:156], "        ")
	sum := 0
	for _, c := range head[:512] {
		sum += int(c)
	}
	copy(head[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return bytes.NewBuffer(append(bytes.Clone(head), b.Bytes()...))
}

func TestUntarCut(t *testing.T) {
	whole := archive(t, regular("a", strings.Repeat("x", 5000))).Bytes()
	if _, err := unpacked(t, t.TempDir(), bytes.NewReader(whole[:3000]), 1<<20); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("an archive that was cut: %v", err)
	}
	long := io.MultiReader(bytes.NewReader(whole), io.LimitReader(zeroReader{}, maxAfter+2))
	if _, err := unpacked(t, t.TempDir(), long, 1<<20); err == nil || !strings.Contains(err.Error(), "follow the end") {
		t.Errorf("an archive with a long tail: %v", err)
	}
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzUntar(f *testing.F) {
	f.Add(archive(f, folder("a", 0o755), regular("a/b", "x"), link(tar.TypeSymlink, "c", ".."), link(tar.TypeLink, "d", "a/b")).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		_, _ = unpacked(t, dir, bytes.NewReader(b), 1<<20)
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Errorf("beside the tree are %v (%v)", list, err)
		}
	})
}
