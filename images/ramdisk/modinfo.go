package ramdisk

import (
	"bytes"
	"debug/elf"
	"fmt"
	"path"
	"strings"
)

// modinfo is what a kernel module says about itself in its .modinfo section (include/linux/moduleparam.h):
// NUL-terminated "key=value" strings.
type modinfo struct {
	Depends  []string // names of modules it takes symbols from
	Aliases  []string // modalias patterns and other names
	SoftDeps []string // "pre: a b post: c", one each MODULE_SOFTDEP
	Firmware []string // files it may ask for
}

// readModinfo reads the section of one uncompressed module. The signature that Debian appends to a module
// stands behind the ELF file and does not disturb.
func readModinfo(ko []byte) (modinfo, error) {
	f, err := elf.NewFile(bytes.NewReader(ko))
	if err != nil {
		return modinfo{}, fmt.Errorf("reading the ELF header: %w", err)
	}
	section := f.Section(".modinfo")
	if section == nil {
		return modinfo{}, fmt.Errorf("there is no .modinfo section: not a kernel module")
	}
	data, err := section.Data()
	if err != nil {
		return modinfo{}, fmt.Errorf("reading .modinfo: %w", err)
	}
	return parseModinfo(data), nil
}

func parseModinfo(data []byte) modinfo {
	var m modinfo
	for entry := range bytes.SplitSeq(data, []byte{0}) {
		key, value, ok := strings.Cut(string(entry), "=")
		if !ok {
			continue
		}
		switch key {
		case "depends":
			for name := range strings.SplitSeq(value, ",") {
				if name != "" {
					m.Depends = append(m.Depends, moduleName(name))
				}
			}
		case "alias":
			m.Aliases = append(m.Aliases, value)
		case "softdep":
			m.SoftDeps = append(m.SoftDeps, value)
		case "firmware":
			m.Firmware = append(m.Firmware, value)
		}
	}
	return m
}

// moduleName turns a module's file name or any spelling of its name into the kernel's: "crc32c-intel.ko" is
// crc32c_intel.
func moduleName(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path.Base(file), ".ko"), "-", "_")
}

// preSoftDeps returns the names that should be loaded before, if they are there.
func (m modinfo) preSoftDeps() []string {
	var names []string
	for _, dep := range m.SoftDeps {
		pre := false
		for word := range strings.FieldsSeq(dep) {
			switch word {
			case "pre:":
				pre = true
			case "post:":
				pre = false
			default:
				if pre {
					names = append(names, moduleName(word))
				}
			}
		}
	}
	return names
}
