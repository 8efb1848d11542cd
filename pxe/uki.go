package pxe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
)

// stubFile is systemd's EFI stub: a program that starts the kernel which was joined to it.
const stubFile = "linuxx64.efi.stub"

// The parts of a PE image (Microsoft PE/COFF specification, sections 2 to 4) that have to change when sections
// are added. Offsets of the COFF header count from the signature, those of the optional header from its begin.
const (
	peSections     = 6
	peOptionalSize = 20
	peOptional     = 24
	optSectionPad  = 32
	optFilePad     = 36
	optImageSize   = 56
	optHeaderSize  = 60
	optChecksum    = 64
	sectionHeader  = 40
	maxStub        = 1 << 20
	// readOnlyData says that a section holds initialized data and can be read.
	readOnlyData = 0x40000040
)

// unified is one EFI program of stub, command line, ramdisk and kernel, as the UAPI group's "Unified Kernel Image"
// says: firmware fetches it whole, and nothing else. It is joined while it is read.
type unified struct {
	parts []piece
	size  int64
	at    int64
}

// piece is a part of a unified image.
type piece struct {
	begin, size int64
	data        io.ReadSeeker
}

// section is one to be added. Its name has at most 8 bytes.
type section struct {
	name string
	size int64
	data io.ReadSeeker
}

var errStub = errors.New("not an EFI program that sections can be added to")

// newUnified joins the parts. The size is the same for every command line.
func newUnified(stub []byte, params string, initrd, kernel section) (*unified, error) {
	line := make([]byte, maxCommandLine+1)
	if copy(line, params) != len(params) {
		return nil, fmt.Errorf("the command line has %d bytes, %d fit", len(params), maxCommandLine)
	}
	// The kernel stands last: it may unpack itself over what follows.
	return join(bytes.Clone(stub), []section{{".cmdline", int64(len(line)), bytes.NewReader(line)}, initrd, kernel})
}

func join(stub []byte, add []section) (*unified, error) {
	u16, u32, put16, put32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32, binary.LittleEndian.PutUint16, binary.LittleEndian.PutUint32
	if len(stub) < 0x40 || len(stub) > maxStub || string(stub[:2]) != "MZ" {
		return nil, errStub
	}
	pe := int(u32(stub[0x3c:]))
	if pe < 0x40 || pe > len(stub)-peOptional-optChecksum-4 || string(stub[pe:pe+4]) != "PE\x00\x00" {
		return nil, errStub
	}
	count, opt := int(u16(stub[pe+peSections:])), pe+peOptional
	table := opt + int(u16(stub[pe+peOptionalSize:]))
	end := table + count*sectionHeader
	headers := int(u32(stub[opt+optHeaderSize:]))
	pad, filePad := max(int64(u32(stub[opt+optSectionPad:])), 4096), int64(u32(stub[opt+optFilePad:]))
	if headers > len(stub) || end+len(add)*sectionHeader > headers || pad < 1 || pad > 1<<20 || filePad < 1 || filePad > 1<<20 {
		return nil, fmt.Errorf("%w: its header has no room", errStub)
	}
	var memory int64
	for i := table; i < end; i += sectionHeader {
		memory = max(memory, int64(u32(stub[i+12:]))+int64(u32(stub[i+8:])))
	}
	u := &unified{}
	u.append(int64(len(stub)), bytes.NewReader(stub), filePad)
	for i, s := range add {
		memory = up(memory, pad)
		if memory+s.size > 1<<31 || u.size+s.size > 1<<31 {
			return nil, fmt.Errorf("section %s of %d bytes is too large", s.name, s.size)
		}
		h := stub[end+i*sectionHeader:][:sectionHeader]
		clear(h)
		copy(h[:8], s.name)
		put32(h[8:], uint32(s.size))               //nolint:gosec // checked above
		put32(h[12:], uint32(memory))              //nolint:gosec // checked above
		put32(h[16:], uint32(up(s.size, filePad))) //nolint:gosec // checked above
		put32(h[20:], uint32(u.size))              //nolint:gosec // checked above
		put32(h[36:], readOnlyData)
		u.append(s.size, s.data, filePad)
		memory += s.size
	}
	put16(stub[pe+peSections:], uint16(count+len(add)))     //nolint:gosec // a few more
	put32(stub[opt+optImageSize:], uint32(up(memory, pad))) //nolint:gosec // checked above
	put32(stub[opt+optChecksum:], 0)                        // firmware does not look at it
	return u, nil
}

// up rounds up to a multiple.
func up(n, to int64) int64 { return (n + to - 1) / to * to }

// append adds a part, and zeros until the next multiple of pad.
func (u *unified) append(size int64, data io.ReadSeeker, pad int64) {
	u.parts = append(u.parts, piece{u.size, size, data})
	u.size += size
	if rest := up(u.size, pad) - u.size; rest > 0 {
		u.parts = append(u.parts, piece{u.size, rest, bytes.NewReader(make([]byte, rest))})
		u.size += rest
	}
}

// Read implements io.Reader.
func (u *unified) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if u.at >= u.size {
		return 0, io.EOF
	}
	p := u.parts[sort.Search(len(u.parts), func(i int) bool { return u.parts[i].begin+u.parts[i].size > u.at })]
	if _, err := p.data.Seek(u.at-p.begin, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := p.data.Read(b[:min(int64(len(b)), p.begin+p.size-u.at)])
	u.at += int64(n)
	if n == 0 && errors.Is(err, io.EOF) {
		return 0, io.ErrUnexpectedEOF // the file became shorter
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Seek implements io.Seeker.
func (u *unified) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += u.at
	case io.SeekEnd:
		offset += u.size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the begin")
	}
	u.at = offset
	return offset, nil
}
