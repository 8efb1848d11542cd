package disk

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// The FAT16 file system that is written for seeds (Microsoft FAT specification 1.03). Only its root folder is
// used; names are long ones, as cloud-init's "network-config" is no 8.3 name.
const (
	fatSector      = 512
	fatReserved    = 1
	fatRootEntries = 512
	fatPerCluster  = 4 // sectors: 2 KiB clusters make a 16 MiB volume FAT16 (4085 to 65524 clusters)
	fatCluster     = fatPerCluster * fatSector
)

// fatImage makes a file system of size bytes with a label (upper case, at most 11 characters) and files.
func fatImage(size int64, hidden uint32, label string, files map[string]string) ([]byte, error) {
	img := make([]byte, size)
	total := int(size / fatSector)
	fatSectors := (total/fatPerCluster*2+fatSector-1)/fatSector + 1
	rootStart := (fatReserved + 2*fatSectors) * fatSector
	dataStart := rootStart + fatRootEntries*32
	clusters := (int(size) - dataStart) / fatCluster
	if clusters < 4085 || clusters > 65524 {
		return nil, fmt.Errorf("making a FAT16 file system of %d bytes: %d clusters are not FAT16", size, clusters)
	}
	fatBootSector(img, total, fatSectors, hidden, label)
	fat := make([]uint16, clusters+2)
	fat[0], fat[1] = 0xfff8, 0xffff
	root := newDirEntry(fatName(label), 0x08, 0, 0)
	next := 2
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		body := files[name]
		n := (len(body) + fatCluster - 1) / fatCluster
		if next+n > clusters+2 {
			return nil, fmt.Errorf("making the seed's file system: the files need more than %d bytes", clusters*fatCluster)
		}
		first := next
		if n == 0 {
			first = 0
		}
		for j := range n {
			fat[next] = uint16(next + 1)
			if j == n-1 {
				fat[next] = 0xffff
			}
			next++
		}
		if n > 0 {
			copy(img[dataStart+(first-2)*fatCluster:], body)
		}
		root = append(root, longName(name, i+1)...)
		root = append(root, newDirEntry(shortName(i+1), 0x20, first, len(body))...)
	}
	if len(root) > fatRootEntries*32 {
		return nil, fmt.Errorf("making the seed's file system: %d files are too many", len(files))
	}
	copy(img[rootStart:], root)
	for copyNo := range 2 {
		at := (fatReserved + copyNo*fatSectors) * fatSector
		for i, v := range fat {
			binary.LittleEndian.PutUint16(img[at+2*i:], v)
		}
	}
	return img, nil
}

func fatBootSector(img []byte, total, fatSectors int, hidden uint32, label string) {
	le := binary.LittleEndian
	copy(img, "\xeb\x3c\x90SOCLE   ")
	le.PutUint16(img[11:], fatSector)
	img[13] = fatPerCluster
	le.PutUint16(img[14:], fatReserved)
	img[16] = 2
	le.PutUint16(img[17:], fatRootEntries)
	if total < 0x10000 {
		le.PutUint16(img[19:], uint16(total))
	} else {
		le.PutUint32(img[32:], uint32(total))
	}
	img[21] = 0xf8
	le.PutUint16(img[22:], uint16(fatSectors))
	le.PutUint16(img[24:], 63)
	le.PutUint16(img[26:], 255)
	le.PutUint32(img[28:], hidden)
	img[36], img[38] = 0x80, 0x29
	le.PutUint32(img[39:], 0x50C1E000)
	copy(img[43:54], fatName(label))
	copy(img[54:62], "FAT16   ")
	img[510], img[511] = 0x55, 0xaa
}

// fatName pads a name to the 11 bytes of a folder entry.
func fatName(s string) string {
	return (strings.ToUpper(s) + strings.Repeat(" ", 11))[:11]
}

// shortName is the invented 8.3 name of the n-th file; everybody reads the long one.
func shortName(n int) string { return fmt.Sprintf("SEED%04d   ", n) }

func newDirEntry(name string, attr byte, cluster, size int) []byte {
	e := make([]byte, 32)
	copy(e, name)
	e[11] = attr
	binary.LittleEndian.PutUint16(e[16:], 1<<5|1) // 1980-01-01, so that equal seeds are equal bytes
	binary.LittleEndian.PutUint16(e[18:], 1<<5|1)
	binary.LittleEndian.PutUint16(e[24:], 1<<5|1)
	binary.LittleEndian.PutUint16(e[26:], uint16(cluster))
	binary.LittleEndian.PutUint32(e[28:], uint32(size))
	return e
}

// longName is the row of entries before a short one, the last part first.
func longName(name string, n int) []byte {
	short := shortName(n)
	var sum byte
	for i := range len(short) {
		sum = sum>>1 | sum<<7
		sum += short[i]
	}
	units := utf16.Encode([]rune(name))
	if len(units)%13 != 0 {
		units = append(units, 0)
		for len(units)%13 != 0 {
			units = append(units, 0xffff)
		}
	}
	parts := len(units) / 13
	row := make([]byte, 0, parts*32)
	for p := parts; p >= 1; p-- {
		e := make([]byte, 32)
		e[0] = byte(p)
		if p == parts {
			e[0] |= 0x40
		}
		e[11], e[13] = 0x0f, sum
		for i, at := range []int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30} {
			binary.LittleEndian.PutUint16(e[at:], units[(p-1)*13+i])
		}
		row = append(row, e...)
	}
	return row
}
