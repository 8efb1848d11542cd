package ramdisk

import (
	"fmt"
	"slices"
	"strings"
)

// module is one kernel module of the package.
type module struct {
	path string // below /lib/modules/<version>: "kernel/fs/fat/vfat.ko"
	info modinfo
	off  int64 // where its bytes stand in the spool
	size int64
}

// tree is all modules of one kernel.
type tree struct {
	byName  map[string]*module // by kernel name
	builtin map[string]bool    // kernel names of what is compiled in
	alias   map[string]string  // exact aliases (no wildcard) → kernel name, for soft dependencies
}

func newTree(modules []*module, builtin []string) *tree {
	t := &tree{byName: map[string]*module{}, builtin: map[string]bool{}, alias: map[string]string{}}
	for _, b := range builtin {
		t.builtin[moduleName(b)] = true
	}
	for _, m := range modules {
		name := moduleName(m.path)
		t.byName[name] = m
		for _, a := range m.info.Aliases {
			if strings.ContainsAny(a, "*?[:") {
				continue
			}
			// Several modules may carry one alias ("crc32c"); the first by name wins, every time.
			a = moduleName(a)
			if old, ok := t.alias[a]; !ok || name < old {
				t.alias[a] = name
			}
		}
	}
	return t
}

// closure returns the chosen modules with all they need to load, sorted by path.
func (t *tree) closure(chosen map[string]bool) ([]*module, error) {
	need := map[*module]bool{}
	var add func(m *module) error
	add = func(m *module) error {
		if need[m] {
			return nil
		}
		need[m] = true
		for _, dep := range m.info.Depends {
			d, ok := t.byName[dep]
			if !ok {
				if t.builtin[dep] {
					continue
				}
				return fmt.Errorf("module %s depends on %s, which this kernel does not have", m.path, dep)
			}
			if err := add(d); err != nil {
				return err
			}
		}
		for _, soft := range m.info.preSoftDeps() {
			d, ok := t.byName[soft]
			if !ok {
				d, ok = t.byName[t.alias[soft]]
			}
			if !ok {
				continue // soft: the module loads without it
			}
			if err := add(d); err != nil {
				return err
			}
		}
		return nil
	}
	for _, m := range t.byName {
		if chosen[m.path] {
			if err := add(m); err != nil {
				return nil, err
			}
		}
	}
	list := make([]*module, 0, len(need))
	for m := range need {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b *module) int { return strings.Compare(a.path, b.path) })
	return list, nil
}

// loadBefore lists what must be in the kernel before m, in an order in which it can be loaded.
func (t *tree) loadBefore(m *module) []*module {
	var order []*module
	seen := map[*module]bool{m: true}
	var visit func(m *module)
	visit = func(m *module) {
		deps := slices.Sorted(slices.Values(m.info.Depends))
		for _, dep := range deps {
			d, ok := t.byName[dep]
			if !ok || seen[d] {
				continue
			}
			seen[d] = true
			visit(d)
			order = append(order, d)
		}
	}
	visit(m)
	return order
}
