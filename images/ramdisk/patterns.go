package ramdisk

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"strings"
)

//go:embed modules.list
var moduleList string

// pattern is one line of the module list.
type pattern struct {
	text     string // below "kernel/", without ".ko"
	line     int
	exclude  bool // "!"
	optional bool // "-"
}

func parsePatterns(list, arch string) ([]pattern, error) {
	var patterns []pattern
	scan := bufio.NewScanner(strings.NewReader(list))
	for n := 1; scan.Scan(); n++ {
		text := strings.TrimSpace(scan.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		p := pattern{line: n}
		if rest, ok := strings.CutPrefix(text, "["); ok {
			only, rest, ok := strings.Cut(rest, "] ")
			if !ok {
				return nil, fmt.Errorf("module list, line %d: the architecture has no end: write \"[amd64] pattern\"", n)
			}
			if only != arch {
				continue
			}
			text = rest
		}
		if rest, ok := strings.CutPrefix(text, "!"); ok {
			p.exclude, text = true, rest
		} else if rest, ok := strings.CutPrefix(text, "-"); ok {
			p.optional, text = true, rest
		}
		if _, err := path.Match(text, ""); err != nil {
			return nil, fmt.Errorf("module list, line %d: pattern %q: %w", n, text, err)
		}
		p.text = text
		patterns = append(patterns, p)
	}
	return patterns, scan.Err()
}

// matches tells whether the pattern means the module at this path ("kernel/fs/fat/vfat.ko").
func (p pattern) matches(module string) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(module, "kernel/"), ".ko")
	if strings.HasSuffix(p.text, "/") {
		return strings.HasPrefix(name, p.text)
	}
	ok, _ := path.Match(p.text, name) // the pattern was tried when it was parsed
	return ok
}

// choose returns which of the modules the list takes. builtin are paths compiled into the kernel: they
// satisfy a pattern and need no file.
func choose(patterns []pattern, modules, builtin []string) (map[string]bool, error) {
	chosen := map[string]bool{}
	var missing []error
	for _, p := range patterns {
		found := false
		for _, m := range modules {
			if p.matches(m) {
				found = true
				if p.exclude {
					delete(chosen, m)
				} else {
					chosen[m] = true
				}
			}
		}
		for _, m := range builtin {
			found = found || p.matches(m)
		}
		if !found && !p.optional {
			missing = append(missing, fmt.Errorf("module list, line %d: this kernel has nothing that matches %q; correct the line or put \"-\" before it", p.line, p.text))
		}
	}
	return chosen, errors.Join(missing...)
}
