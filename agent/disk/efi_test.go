package disk

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
)

// firmware is a folder of variables as efivarfs shows them.
func firmware(t testing.TB, options map[uint16]LoadOption, order ...uint16) EFIVars {
	t.Helper()
	v := EFIVars{Dir: t.TempDir()}
	for n, o := range options {
		if err := v.write(bootVar(n), o.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	var raw []byte
	for _, n := range order {
		raw = binary.LittleEndian.AppendUint16(raw, n)
	}
	if err := v.write("BootOrder-"+efiGlobal, raw); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v EFIVars) look(t testing.TB) (order []uint16, names map[string]string) {
	t.Helper()
	raw, err := v.read("BootOrder-" + efiGlobal)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(raw); i += 2 {
		order = append(order, binary.LittleEndian.Uint16(raw[i:]))
	}
	names = map[string]string{}
	files, err := filepath.Glob(filepath.Join(v.Dir, "Boot0*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := v.read(filepath.Base(f))
		if err != nil {
			t.Fatal(err)
		}
		o, err := ParseLoadOption(raw)
		if err != nil {
			t.Fatal(err)
		}
		names[filepath.Base(f)[4:8]] = o.Description
	}
	return order, names
}

func TestBootEntry(t *testing.T) {
	d, _ := imageDisk(t, 64<<20, 64<<20)
	pxe := LoadOption{Attributes: 1, Description: "UEFI PXEv4", Path: []byte{0x7f, 0xff, 4, 0}}
	old := LoadOption{Attributes: 1, Description: "socle storage", Path: []byte{0x7f, 0xff, 4, 0}}
	v := firmware(t, map[uint16]LoadOption{0: pxe, 1: old, 7: {Attributes: 1, Description: "socket shop", Path: pxe.Path}}, 0, 1, 7)
	for range 2 { // again is the same
		entry, err := v.BootEntry(d, "socle hypervisor", "")
		if err != nil || entry != "Boot0002" {
			t.Fatalf("entry %q, error %v", entry, err)
		}
		order, names := v.look(t)
		if diff := cmp.Diff([]uint16{2, 0, 7}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"0000": "UEFI PXEv4", "0002": "socle hypervisor", "0007": "socket shop"}, names); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	}
	raw, err := v.read(bootVar(2))
	if err != nil {
		t.Fatal(err)
	}
	table, err := ReadTable(d, d.Size(), d.Sector())
	if err != nil {
		t.Fatal(err)
	}
	esp := table.Partitions[0]
	o, err := ParseLoadOption(raw)
	if err != nil {
		t.Fatal(err)
	}
	// HD(1,GPT,esp,2048,16384)/File(\EFI\BOOT\BOOTX64.EFI)
	if le := binary.LittleEndian; len(o.Path) != 42+4+2*(len(DefaultLoader)+1)+4 || le.Uint32(o.Path[4:]) != 1 || le.Uint64(o.Path[8:]) != esp.First ||
		le.Uint64(o.Path[16:]) != 16384 || !bytes.Equal(o.Path[24:40], esp.ID[:]) || o.Path[46] != '\\' {
		t.Errorf("device path is % x", o.Path)
	}
}

func TestBootEntryRefuses(t *testing.T) {
	image, _ := imageDisk(t, 64<<20, 64<<20)
	data, _ := sparse(t, 64<<20)
	if err := Prepare(t.Context(), data, "socle-d1"); err != nil {
		t.Fatal(err)
	}
	v := firmware(t, nil)
	for _, tc := range []struct {
		name          string
		d             *Device
		v             EFIVars
		label, loader string
		code          string
	}{
		{"no ESP", data, v, "socle x", "", api.CodeDiskError},
		{"no label", image, v, "", "", api.CodeBadParams},
		{"relative loader", image, v, "socle x", "grub.efi", api.CodeBadParams},
		{"firmware refuses", image, EFIVars{Dir: readOnlyVars(t)}, "socle x", "", api.CodeFirmware},
	} {
		if _, err := tc.v.BootEntry(tc.d, tc.label, tc.loader); err == nil || Code(err) != tc.code {
			t.Errorf("%s: %v, want code %s", tc.name, err, tc.code)
		}
	}
	if entry, err := (EFIVars{Dir: filepath.Join(t.TempDir(), "none")}).BootEntry(image, "socle x", ""); entry != "" || err != nil {
		t.Errorf("on BIOS: %q, %v, want nothing done", entry, err)
	}
}

// readOnlyVars has a folder where the variable would be, which nobody can write, not even root.
func readOnlyVars(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "BootOrder-"+efiGlobal), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func FuzzParseLoadOption(f *testing.F) {
	f.Add(LoadOption{Attributes: 1, Description: "debian", Path: []byte{0x7f, 0xff, 4, 0}, Data: []byte("x")}.Bytes())
	f.Add([]byte{1, 0, 0, 0, 0xff, 0xff, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := ParseLoadOption(b)
		if err != nil {
			return
		}
		again, err := ParseLoadOption(o.Bytes())
		if err != nil {
			t.Fatalf("its own bytes do not parse: %v", err)
		}
		if again.Description != o.Description || !bytes.Equal(again.Path, o.Path) || !bytes.Equal(again.Data, o.Data) {
			t.Errorf("%+v became %+v", o, again)
		}
	})
}
