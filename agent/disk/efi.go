package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"socle/api"
)

const (
	// DefaultLoader is where firmware looks for a loader on x86-64 (UEFI 2.10, 3.5.1.1).
	DefaultLoader = `\EFI\BOOT\BOOTX64.EFI`

	efiGlobal = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
	efiKeep   = 7    // non-volatile, boot services, run time
	immutable = 0x10 // FS_IMMUTABLE_FL
	ownPrefix = "socle "
)

// LoadOption is the value of a Boot#### variable (UEFI 2.10, 3.1.3).
type LoadOption struct {
	Attributes  uint32
	Description string
	Path        []byte // device path, its end node included
	Data        []byte
}

// ParseLoadOption reads the value of a Boot#### variable.
func ParseLoadOption(b []byte) (LoadOption, error) {
	var o LoadOption
	if len(b) < 8 {
		return o, fmt.Errorf("reading a load option: %d bytes are too few", len(b))
	}
	o.Attributes = binary.LittleEndian.Uint32(b)
	pathLen := int(binary.LittleEndian.Uint16(b[4:]))
	var units []uint16
	rest := b[6:]
	for {
		if len(rest) < 2 {
			return o, errors.New("reading a load option: its description does not end")
		}
		u := binary.LittleEndian.Uint16(rest)
		rest = rest[2:]
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	if pathLen > len(rest) {
		return o, fmt.Errorf("reading a load option: its device path says %d bytes, %d are left", pathLen, len(rest))
	}
	o.Description = string(utf16.Decode(units))
	o.Path, o.Data = rest[:pathLen], rest[pathLen:]
	return o, nil
}

// Bytes is the value of the variable.
func (o LoadOption) Bytes() []byte {
	b := binary.LittleEndian.AppendUint32(nil, o.Attributes)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(o.Path)))
	b = appendUTF16(b, o.Description)
	b = append(b, o.Path...)
	return append(b, o.Data...)
}

func appendUTF16(b []byte, s string) []byte {
	for _, u := range append(utf16.Encode([]rune(s)), 0) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// loaderPath is the device path HD(…)/File(loader) (UEFI 2.10, 10.3.5.1 and 10.3.5.4).
func loaderPath(p Partition, loader string) []byte {
	le := binary.LittleEndian
	hd := le.AppendUint32([]byte{4, 1, 42, 0}, uint32(p.Number()))
	hd = le.AppendUint64(hd, p.First)
	hd = le.AppendUint64(hd, p.Last-p.First+1)
	hd = append(append(hd, p.ID[:]...), 2, 2) // GPT, signature is a GUID
	name := appendUTF16(nil, loader)
	file := le.AppendUint16([]byte{4, 4}, uint16(len(name)+4))
	return append(append(append(hd, file...), name...), 0x7f, 0xff, 4, 0)
}

// EFIVars is where the kernel shows the firmware's variables.
type EFIVars struct {
	Dir string // "/sys/firmware/efi/efivars"
}

// Present tells whether the server booted by UEFI.
func (v EFIVars) Present() bool {
	_, err := os.Stat(filepath.Join(v.Dir, "BootCurrent-"+efiGlobal))
	if err == nil {
		return true
	}
	_, err = os.Stat(v.Dir)
	return err == nil
}

// BootEntry makes the loader on a disk's EFI system partition the firmware's first choice. An equal entry is
// used again; other entries that Socle made are removed. On a BIOS server nothing is to be done.
func (v EFIVars) BootEntry(d *Device, label, loader string) (entry string, err error) {
	if !v.Present() {
		return "", nil
	}
	if loader == "" {
		loader = DefaultLoader
	}
	loader = strings.ReplaceAll(loader, "/", `\`)
	if !strings.HasPrefix(loader, `\`) || len(loader) > 512 || label == "" || len(label) > 128 {
		return "", fail(api.CodeBadParams, "making a boot entry: label %q or loader %q is not usable", label, loader)
	}
	t, err := ReadTable(d, d.Size(), d.Sector())
	if err != nil {
		return "", fail(api.CodeDiskError, "making a boot entry: %w", err)
	}
	i := slices.IndexFunc(t.Partitions, func(p Partition) bool { return p.Type == TypeESP })
	if i < 0 {
		return "", fail(api.CodeDiskError, "making a boot entry: the disk has no EFI system partition; the image is not for UEFI servers")
	}
	want := LoadOption{Attributes: 1, Description: label, Path: loaderPath(t.Partitions[i], loader)}
	number, err := v.install(want)
	if err != nil {
		return "", fail(api.CodeFirmware, "making a boot entry: %w", err)
	}
	return fmt.Sprintf("Boot%04X", number), nil
}

var bootName = regexp.MustCompile(`^Boot([0-9A-Fa-f]{4})-` + efiGlobal + `$`)

// install puts the option in place and first, and removes Socle's others.
func (v EFIVars) install(want LoadOption) (uint16, error) {
	entries, err := os.ReadDir(v.Dir)
	if err != nil {
		return 0, err
	}
	used, equal, stale := map[uint16]bool{}, -1, []uint16{}
	for _, e := range entries {
		m := bootName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		n64, _ := strconv.ParseUint(m[1], 16, 16)
		n := uint16(n64)
		used[n] = true
		raw, err := v.read(e.Name())
		if err != nil {
			continue
		}
		o, err := ParseLoadOption(raw)
		switch {
		case err != nil:
		case equal < 0 && string(o.Bytes()) == string(want.Bytes()):
			equal = int(n)
		case o.Description == want.Description || strings.HasPrefix(o.Description, ownPrefix):
			stale = append(stale, n)
		}
	}
	if equal < 0 {
		n := uint16(0)
		for used[n] {
			n++
		}
		if err := v.write(bootVar(n), want.Bytes()); err != nil {
			return 0, err
		}
		equal = int(n)
	}
	if err := v.order(uint16(equal), stale); err != nil {
		return 0, err
	}
	for _, n := range stale {
		if err := v.remove(bootVar(n)); err != nil {
			return 0, err
		}
	}
	back, err := v.read(bootVar(uint16(equal)))
	if err != nil {
		return 0, fmt.Errorf("reading Boot%04X back: %w", equal, err)
	}
	if string(back) != string(want.Bytes()) {
		return 0, fmt.Errorf("reading Boot%04X back: it is not what was written", equal)
	}
	return uint16(equal), nil
}

func bootVar(n uint16) string { return fmt.Sprintf("Boot%04X-%s", n, efiGlobal) }

// order puts one entry first and drops others.
func (v EFIVars) order(first uint16, drop []uint16) error {
	const name = "BootOrder-" + efiGlobal
	old, err := v.read(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	list := binary.LittleEndian.AppendUint16(nil, first)
	for i := 0; i+1 < len(old); i += 2 {
		if n := binary.LittleEndian.Uint16(old[i:]); n != first && !slices.Contains(drop, n) {
			list = binary.LittleEndian.AppendUint16(list, n)
		}
	}
	if string(list) == string(old) {
		return nil
	}
	if err := v.write(name, list); err != nil {
		return err
	}
	back, err := v.read(name)
	if err != nil {
		return fmt.Errorf("reading BootOrder back: %w", err)
	}
	if string(back) != string(list) {
		return errors.New("reading BootOrder back: it is not what was written")
	}
	return nil
}

// read returns a variable's value without its attributes.
func (v EFIVars) read(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(v.Dir, name))
	if err != nil {
		return nil, err
	}
	if len(b) < 4 {
		return nil, fmt.Errorf("reading variable %s: it has %d bytes", name, len(b))
	}
	return b[4:], nil
}

// write sets a variable in one write, as efivarfs wants it.
func (v EFIVars) write(name string, value []byte) error {
	path := filepath.Join(v.Dir, name)
	unlock(path)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append([]byte{efiKeep, 0, 0, 0}, value...))
	if err == nil && !v.live() { // a plain file of a test keeps the old value's end otherwise
		err = f.Truncate(int64(len(value) + 4))
	}
	return errors.Join(err, f.Close())
}

func (v EFIVars) remove(name string) error {
	path := filepath.Join(v.Dir, name)
	unlock(path)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// live tells whether this is the kernel's efivarfs.
func (v EFIVars) live() bool {
	const efivarfsMagic = 0xde5e81e4
	var st unix.Statfs_t
	return unix.Statfs(v.Dir, &st) == nil && uint64(st.Type) == efivarfsMagic
}

// unlock clears the immutable flag by which efivarfs protects variables from accidents.
func unlock(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil && flags&immutable != 0 {
		_ = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags&^immutable) // the write tells when this failed
	}
}
