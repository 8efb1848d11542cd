package probe

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Root says where the kernel's file systems are mounted. Tests point it at recorded trees.
type Root struct {
	Sys  string // "/sys"
	Proc string // "/proc"
	Dev  string // "/dev"
}

// Live is the root of the running kernel.
var Live = Root{Sys: "/sys", Proc: "/proc", Dev: "/dev"}

// Bounds of what is believed and sent on.
const (
	maxText  = 256     // bytes of one text
	maxFile  = 1 << 20 // bytes of one file of sysfs or procfs
	maxItems = 1024    // disks, interfaces, PCI functions: each
)

// Clean makes a text of the hardware safe to carry: bounded to 256 bytes, valid UTF-8, without control
// characters, trimmed.
func Clean(s string) string { return CleanTo(s, maxText) }

// CleanTo is Clean with another bound, in bytes.
func CleanTo(s string, limit int) string {
	if len(s) > 4*limit {
		s = s[:4*limit]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.TrimSpace(s)
	for len(s) > limit {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

// readBounded reads at most maxFile bytes; sysfs files say 4096 whatever they hold, so sizes are not asked.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, 0, 4096)
	for len(buf) < maxFile {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := f.Read(buf[len(buf):min(cap(buf), maxFile)])
		buf = buf[:len(buf)+n]
		if err != nil || n == 0 {
			break // EOF, or an attribute that ends in an I/O error: what came is what there is
		}
	}
	return buf, nil
}

// text reads an attribute; one that is absent is empty.
func text(elem ...string) string {
	b, err := readBounded(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return Clean(string(b))
}

// number reads a decimal attribute; one that is absent or odd is 0.
func number(elem ...string) int64 {
	n, err := strconv.ParseInt(text(elem...), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// linkBase is the last part of a symbolic link's target, "" when there is none.
func linkBase(elem ...string) string {
	t, err := os.Readlink(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return Clean(filepath.Base(t))
}

// names lists a folder, bounded.
func names(elem ...string) []string {
	entries, err := os.ReadDir(filepath.Join(elem...))
	if err != nil {
		return nil
	}
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		if len(list) == maxItems {
			break
		}
		list = append(list, e.Name())
	}
	return list
}

func exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(elem...))
	return err == nil
}
