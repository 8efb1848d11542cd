package pxe

import (
	"bytes"
	"context"
	"crypto/tls"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"socle/inventory"
)

// systemdStub is systemd's EFI stub as Debian's package systemd-boot-efi has it.
func systemdStub(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("/usr/lib/systemd/boot/efi/" + stubFile)
	if err != nil {
		t.Fatalf("%v: install the Debian package systemd-boot-efi (make setup-test)", err)
	}
	return b
}

func TestUnifiedImage(t *testing.T) {
	stub := systemdStub(t)
	before := bytes.Clone(stub)
	kernel, initrd := bytes.Repeat([]byte("kernel"), 50_001), bytes.Repeat([]byte("ramdisk"), 100_003)
	u, err := newUnified(stub, "console=ttyS0 socle.token=t0-K", section{".initrd", int64(len(initrd)), bytes.NewReader(initrd)},
		section{".linux", int64(len(kernel)), bytes.NewReader(kernel)})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stub, before) {
		t.Error("the stub itself was changed")
	}
	all, err := io.ReadAll(u)
	if err != nil || int64(len(all)) != u.size {
		t.Fatalf("%d of %d bytes: %v", len(all), u.size, err)
	}
	if _, err := u.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(u, all); err != nil {
		t.Errorf("%.200s", err)
	}

	f, err := pe.NewFile(bytes.NewReader(all))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{".initrd": initrd, ".linux": kernel, ".cmdline": append([]byte("console=ttyS0 socle.token=t0-K"), 0)}
	var end uint32
	for _, s := range f.Sections {
		if s.VirtualAddress < end {
			t.Errorf("section %s begins at %#x, within the one before", s.Name, s.VirtualAddress)
		}
		end = s.VirtualAddress + s.VirtualSize
		data, err := s.Data()
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		if w, ok := want[s.Name]; ok && !bytes.HasPrefix(data, w) || int64(s.Offset)+int64(s.Size) > u.size {
			t.Errorf("section %s at %#x holds something else", s.Name, s.Offset)
		}
		delete(want, s.Name)
	}
	if h := f.OptionalHeader.(*pe.OptionalHeader64); h.SizeOfImage < end || h.SizeOfImage%h.SectionAlignment != 0 {
		t.Errorf("the image takes %#x bytes of memory, its sections end at %#x", h.SizeOfImage, end)
	}
	if len(want) > 0 {
		t.Errorf("sections are missing: %v", want)
	}

	// What another reader of such files makes of it.
	file := filepath.Join(t.TempDir(), unifiedFile)
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "objdump", "-h", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "pei-x86-64") || !strings.Contains(string(out), fmt.Sprintf("%08x", len(initrd))) {
		t.Errorf("objdump: %v\n%s", err, out)
	}
}

func TestUnifiedImageRefusals(t *testing.T) {
	stub := systemdStub(t)
	small := section{".linux", 1, strings.NewReader("k")}
	if _, err := newUnified(stub, strings.Repeat("x", maxCommandLine+2), small, small); err == nil {
		t.Error("a command line that does not fit was cut off")
	}
	if _, err := newUnified(stub, "", section{".initrd", 3 << 30, nil}, small); err == nil {
		t.Error("a ramdisk of 3 GiB was taken")
	}
	for name, b := range map[string][]byte{"nothing": nil, "half": stub[:0x60], "ELF": append([]byte("\x7fELF"), stub[4:]...)} {
		if _, err := newUnified(b, "", small, small); !errors.Is(err, errStub) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A file that is cut while it is read must not look like a whole one.
	u, err := newUnified(stub, "", section{".initrd", 9, strings.NewReader("short")}, small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(u); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that is too short: %v", err)
	}
}

// FuzzStub looks for a stub that is taken and leads out of itself: what is joined has to be where its header says.
func FuzzStub(f *testing.F) {
	stub := systemdStub(f)
	f.Add(stub[:0x400])
	f.Add([]byte("MZ"))
	wide := bytes.Clone(stub[:0x400])
	binary.LittleEndian.PutUint32(wide[0x3c:], 0xfffffff0)
	f.Add(wide)
	f.Fuzz(func(t *testing.T, stub []byte) {
		kernel := "the kernel"
		u, err := newUnified(stub, "a=b", section{".initrd", 7, strings.NewReader("ramdisk")}, section{".linux", int64(len(kernel)), strings.NewReader(kernel)})
		if err != nil {
			return
		}
		all, err := io.ReadAll(u)
		if err != nil || int64(len(all)) != u.size {
			t.Fatalf("%d of %d bytes: %v", len(all), u.size, err)
		}
		u32 := binary.LittleEndian.Uint32
		at := int(u32(all[0x3c:]))
		last := at + peOptional + int(binary.LittleEndian.Uint16(all[at+peOptionalSize:])) + (int(binary.LittleEndian.Uint16(all[at+peSections:]))-1)*sectionHeader
		if got := all[u32(all[last+20:]):][:u32(all[last+8:])]; string(got) != kernel {
			t.Errorf("the header leads to %q", got)
		}
	})
}

func TestUnifiedAnswers(t *testing.T) {
	const mac = "52:54:00:00:00:0a"
	have := files{stubFile: systemdStub(t), "ramdisk/vmlinuz": []byte("the kernel"), "ramdisk/initrd": []byte("the ramdisk")}
	ramdisk := planner{plan: Plan{Target: inventory.BootRamdisk, Machine: "m1", Name: "hv01", Params: []string{"socle.token=t0-K_en"}}}
	for _, tc := range []struct {
		name, method string
		clear        bool
		holder       string
		p            Planner
		f            Files
		status       int
		script       string // in the evidence
	}{
		{"ramdisk", "GET", false, mac, ramdisk, have, 200, "ramdisk"},
		{"size", "HEAD", false, mac, forbidden{t}, have, 200, ""},
		{"size, of a stranger", "HEAD", false, "", forbidden{t}, have, 200, ""},
		{"in clear", "GET", true, mac, forbidden{t}, have, 403, ""},
		{"another's address", "GET", false, "52:54:00:00:00:0b", forbidden{t}, have, 404, "stranger"},
		{"nobody's address", "GET", false, "", forbidden{t}, have, 404, "stranger"},
		{"disk", "GET", false, mac, planner{plan: Plan{Target: inventory.BootDisk}}, have, 404, "disk"},
		{"database away", "GET", false, mac, planner{err: errors.New("connection refused")}, have, 503, "unavailable"},
		{"parameter that breaks out", "GET", false, mac, planner{plan: Plan{Target: inventory.BootRamdisk, Params: []string{"a b"}}}, have, 503, "unavailable"},
		{"no stub", "GET", false, mac, ramdisk, files{"ramdisk/vmlinuz": []byte("k"), "ramdisk/initrd": []byte("r")}, 503, "unavailable"},
		{"no stub, size", "HEAD", false, mac, forbidden{t}, files{}, 503, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := &recorder{}
			h, err := NewHTTP(HTTPOptions{BootURL: testBase, Files: tc.f, Planner: tc.p, Recorder: rec, RequireLease: true,
				Holder: func(netip.Addr) (string, bool) { return tc.holder, tc.holder != "" }})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(tc.method, UnifiedPath+unifiedQuery(Client{MAC: mac}), nil)
			if !tc.clear {
				r.TLS = &tls.ConnectionState{}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d: %s", w.Code, tc.status, w.Body)
			}
			if has := strings.Contains(w.Body.String(), "t0-K_en"); has != (tc.name == "ramdisk") {
				t.Errorf("holds the token: %v", has)
			}
			if tc.script != "" && !rec.has("http", "one program", "script "+tc.script) {
				t.Errorf("no evidence of script %s: %+v", tc.script, rec.list())
			}
			if tc.status == http.StatusOK && (w.Header().Get("Content-Type") != "application/efi" || w.Header().Get("Content-Length") == "") {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// forbidden is a Planner that must not be asked.
type forbidden struct{ t *testing.T }

func (f forbidden) Plan(context.Context, Client) (Plan, error) {
	f.t.Error("the planner was asked, which makes a token")
	return Plan{}, nil
}

func TestUnifiedEvidence(t *testing.T) {
	have := files{stubFile: systemdStub(t), "ramdisk/vmlinuz": []byte("the kernel"), "ramdisk/initrd": []byte("the ramdisk")}
	rec := &recorder{}
	h, err := NewHTTP(HTTPOptions{BootURL: testBase, Files: have, Planner: planner{plan: Plan{Target: inventory.BootRamdisk}}, Recorder: rec})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"HEAD", "GET"} {
		r := httptest.NewRequest(method, UnifiedPath+"?mac=52:54:00:00:00:0a", nil)
		r.TLS = &tls.ConnectionState{}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	var got []string
	for _, e := range rec.list() {
		got = append(got, fmt.Sprintf("%s %s %s %s", e.Kind, e.File, e.Outcome, string(Try(e))))
	}
	const want = "file machine.efi probe |script ramdisk served |file machine.efi complete https"
	if strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", strings.Join(got, "|"), want)
	}
}
