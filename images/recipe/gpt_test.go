package recipe

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	diskfile "github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/google/go-cmp/cmp"
)

type onDisk struct {
	Name         string
	Start, End   uint64
	Type, Unique string
}

// readGPT reads a table with an implementation that is not ours.
func readGPT(t *testing.T, path string) (parts []onDisk) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := gpt.Read(diskfile.New(f, true), sector, sector)
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Verify(diskfile.New(f, true), uint64(fileSize(t, f))); err != nil {
		t.Errorf("the backup does not fit: %v", err)
	}
	for _, p := range table.Partitions {
		if p.Type != gpt.Unused {
			parts = append(parts, onDisk{p.Name, uint64(p.Start), uint64(p.End), string(p.Type), p.GUID})
		}
	}
	return parts
}

func fileSize(t *testing.T, f *os.File) int64 {
	t.Helper()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

func checkGPT(t *testing.T, raw string, size int64) {
	t.Helper()
	got := readGPT(t, raw)
	rootEnd := uint64(size/sector - 2048 - 1)
	want := []onDisk{
		{"bios-boot", 2048, 4095, "21686148-6449-6E6F-744E-656564454649", "50C1E000-0000-4000-8000-000000000001"},
		{"esp", 4096, 4096 + 48*2048 - 1, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "50C1E000-0000-4000-8000-000000000002"},
		{"socle-root", 50 * 2048, rootEnd, "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "50C1E000-0000-4000-8000-000000000003"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}
}

func TestWriteGPT(t *testing.T) {
	const size = 300 * mib
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xaa}, bootCodeLen), 0); err != nil {
		t.Fatal(err)
	}
	const root = size/mib - rootAt - tailMiB
	err = writeGPT(f, diskID, size/sector, []partition{
		{typeBIOSBoot, biosBootID, biosBootAt * 2048, 2048, "bios-boot"},
		{typeESP, espID, espAt * 2048, espMiB * 2048, "esp"},
		{typeRoot, rootPartID, rootAt * 2048, root * 2048, rootLabel},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkGPT(t, path, size)
	mbr := make([]byte, sector)
	if _, err := f.ReadAt(mbr, 0); err != nil {
		t.Fatal(err)
	}
	if mbr[0] != 0xaa || mbr[439] != 0xaa {
		t.Error("the boot code was overwritten")
	}
	if mbr[450] != 0xee || mbr[510] != 0x55 || mbr[511] != 0xaa {
		t.Errorf("no protective MBR: % x", mbr[440:])
	}
}

func TestPatchGRUB(t *testing.T) {
	boot := make([]byte, sector)
	boot[510], boot[511], boot[bootDriveCheck] = 0x55, 0xaa, 0xeb
	core := bytes.Repeat([]byte{7}, 5*sector+1)
	b, c, err := patchGRUB(boot, core, 2048, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != 440 || binary.LittleEndian.Uint64(b[0x5c:]) != 2048 || b[0x66] != 0x90 || b[0x67] != 0x90 {
		t.Errorf("boot.img: % x", b[0x5c:0x68])
	}
	if len(c) != 6*sector || binary.LittleEndian.Uint64(c[0x1f4:]) != 2049 || binary.LittleEndian.Uint16(c[0x1fc:]) != 5 {
		t.Errorf("core.img of %d bytes: % x", len(c), c[0x1f4:0x200])
	}
	if boot[bootDriveCheck] != 0xeb || core[0x1f4] != 7 {
		t.Error("the input was changed")
	}
	if _, _, err := patchGRUB(boot[:100], core, 2048, 2048); err == nil {
		t.Error("a short boot.img passes")
	}
	if _, _, err := patchGRUB(boot, core, 2048, 4); err == nil {
		t.Error("a core.img that does not fit passes")
	}
}
