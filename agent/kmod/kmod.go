// Package kmod loads the kernel modules that this server's devices ask for: it matches the modalias of every
// device against modules.alias and loads modules with what they depend on, like modprobe. It knows nothing of
// what the modules are for.
package kmod

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ulikunitz/xz"
	"golang.org/x/sys/unix"
)

// maxModule bounds a module's decompressed size.
const maxModule = 64 << 20

// Loader knows the modules of one kernel and which of them it has loaded.
type Loader struct {
	dir    string              // /lib/modules/VERSION
	paths  map[string]string   // module name → path below dir
	deps   map[string][]string // module name → paths below dir, direct and indirect, nearest first
	pre    map[string][]string // module name → modules that shall be there before, where they are to be had (modules.softdep)
	alias  map[string][]rule   // bus (the part of an alias before its first colon or star) → rules
	loaded map[string]bool
	failed map[string]error // nil for what the ramdisk does not hold or the machine has no device for
	insert func(path string) error
}

type rule struct{ pattern, module string }

// Open reads modules.dep and modules.alias in dir, usually /lib/modules/VERSION.
func Open(dir string) (*Loader, error) {
	l := &Loader{dir: dir, paths: map[string]string{}, deps: map[string][]string{}, pre: map[string][]string{}, alias: map[string][]rule{},
		loaded: map[string]bool{}, failed: map[string]error{}, insert: insertFile}
	dep, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return nil, fmt.Errorf("reading the list of modules: %w", err)
	}
	scan := bufio.NewScanner(bytes.NewReader(dep))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		path, needs, ok := strings.Cut(scan.Text(), ":")
		if !ok {
			continue
		}
		l.paths[name(path)] = path
		l.deps[name(path)] = strings.Fields(needs)
	}
	aliases, err := os.ReadFile(filepath.Join(dir, "modules.alias"))
	if err != nil {
		return nil, fmt.Errorf("reading the aliases of modules: %w", err)
	}
	for line := range strings.Lines(string(aliases)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "alias" {
			continue
		}
		b := bus(f[1])
		l.alias[b] = append(l.alias[b], rule{pattern: f[1], module: canonical(f[2])})
	}
	if soft, err := os.ReadFile(filepath.Join(dir, "modules.softdep")); err == nil { // not every ramdisk has it
		l.softdeps(string(soft))
	}
	return l, nil
}

// softdeps reads lines like "softdep libcrc32c pre: crc32c post: x"; what shall come after is not wanted here.
func (l *Loader) softdeps(text string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "softdep" {
			continue
		}
		pre := false
		for _, word := range f[2:] {
			if strings.HasSuffix(word, ":") {
				pre = word == "pre:"
			} else if pre {
				l.pre[canonical(f[1])] = append(l.pre[canonical(f[1])], canonical(word))
			}
		}
	}
}

// bus is the part of an alias that is the same in pattern and device.
func bus(alias string) string {
	if i := strings.IndexAny(alias, ":*?["); i >= 0 {
		return alias[:i]
	}
	return alias
}

func canonical(module string) string { return strings.ReplaceAll(module, "-", "_") }

// name turns "kernel/net/foo-bar.ko.xz" to "foo_bar".
func name(path string) string {
	base, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return canonical(base)
}

// Load loads a module by name with everything it needs. It is no error when the module is loaded, or built in
// and so absent from the list, when the ramdisk leaves it out, or when it finds no device of its kind.
func (l *Loader) Load(module string) error {
	module = canonical(module)
	path, ok := l.paths[module]
	if !ok || l.loaded[module] {
		return nil
	}
	if err, tried := l.failed[module]; tried {
		return err
	}
	needs := l.deps[module]
	for i := len(needs) - 1; i >= 0; i-- { // modules.dep lists the deepest last
		if ok, err := l.put(name(needs[i]), needs[i]); !ok {
			l.failed[module] = err
			return err
		}
	}
	_, err := l.put(module, path)
	return err
}

// put loads one module unless it is loaded; it tries once only.
func (l *Loader) put(module, path string) (ok bool, err error) {
	if l.loaded[module] {
		return true, nil
	}
	if err, tried := l.failed[module]; tried {
		return false, err
	}
	l.failed[module] = nil // until it is loaded, so that soft dependencies in a circle end
	for _, p := range l.pre[module] {
		for _, m := range append(l.Match(p), p) {
			_ = l.Load(m) // it is wished for, not needed
		}
	}
	err = l.insert(filepath.Join(l.dir, path))
	switch {
	case err == nil, errors.Is(err, unix.EEXIST):
		delete(l.failed, module)
		l.loaded[module] = true
		return true, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV):
		err = nil
	default:
		err = fmt.Errorf("loading module %s: %w", module, err)
	}
	l.failed[module] = err
	return false, err
}

// Match lists the modules whose aliases fit a device's modalias.
func (l *Loader) Match(modalias string) []string {
	var list []string
	for _, r := range l.alias[bus(modalias)] {
		if match(r.pattern, modalias) {
			list = append(list, r.module)
		}
	}
	return list
}

// Coldplug loads modules for every device below sys/devices until no new one asks for anything: a controller
// that is driven shows devices that nobody knew. It returns what failed, once each.
func (l *Loader) Coldplug(sys string) []error {
	var errs []error
	for range 8 {
		before := len(l.loaded)
		for alias := range aliases(filepath.Join(sys, "devices")) {
			for _, m := range l.Match(alias) {
				_, tried := l.failed[m]
				if err := l.Load(m); err != nil && !tried {
					errs = append(errs, err)
				}
			}
		}
		if len(l.loaded) == before {
			break
		}
	}
	return errs
}

// aliases collects the modalias attributes below a folder.
func aliases(dir string) map[string]bool {
	found := map[string]bool{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "modalias" {
			return nil //nolint:nilerr // devices vanish while they are walked; the others still count
		}
		if b, err := os.ReadFile(path); err == nil {
			if a := strings.TrimSpace(string(b)); a != "" {
				found[a] = true
			}
		}
		return nil
	})
	return found
}

// match is fnmatch with *, ? and [set], the language of modules.alias.
func match(pattern, s string) bool {
	for len(pattern) > 0 {
		switch pattern[0] {
		case '*':
			pattern = strings.TrimLeft(pattern, "*")
			if pattern == "" {
				return true
			}
			for i := 0; i <= len(s); i++ {
				if match(pattern, s[i:]) {
					return true
				}
			}
			return false
		case '[':
			end := strings.IndexByte(pattern, ']')
			if end < 0 || s == "" || !inSet(pattern[1:end], s[0]) {
				return false
			}
			pattern, s = pattern[end+1:], s[1:]
		default:
			if s == "" || pattern[0] != '?' && pattern[0] != s[0] {
				return false
			}
			pattern, s = pattern[1:], s[1:]
		}
	}
	return s == ""
}

func inSet(set string, c byte) bool {
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= c && c <= set[i+2] {
				return true
			}
			i += 2
		} else if set[i] == c {
			return true
		}
	}
	return false
}

// insertFile hands a module to the kernel; compressed ones are unpacked here, as not every kernel can.
func insertFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if !strings.HasSuffix(path, ".xz") {
		if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
			return os.NewSyscallError("finit_module", err)
		}
		return nil
	}
	r, err := xz.NewReader(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(path), err)
	}
	image, err := io.ReadAll(io.LimitReader(r, maxModule))
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(path), err)
	}
	if err := unix.InitModule(image, ""); err != nil {
		return os.NewSyscallError("init_module", err)
	}
	return nil
}
