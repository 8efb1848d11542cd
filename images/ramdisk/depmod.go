package ramdisk

import (
	"fmt"
	"slices"
	"strings"
)

// depmodFiles writes what depmod(8) would for these modules: modules.dep (modules.dep(5)), modules.alias,
// modules.softdep, and the kernel's own modules.builtin. Keys are file names.
func (t *tree) depmodFiles(modules []*module, builtin []string) map[string]string {
	var dep, alias, soft strings.Builder
	alias.WriteString("# Aliases extracted from modules themselves.\n")
	soft.WriteString("# Soft dependencies extracted from modules themselves.\n")
	for _, m := range modules {
		name := moduleName(m.path)
		before := t.loadBefore(m)
		slices.Reverse(before) // the last one named is loaded first
		dep.WriteString(m.path + ":")
		for _, d := range before {
			dep.WriteString(" " + d.path)
		}
		dep.WriteString("\n")
		for _, a := range m.info.Aliases {
			fmt.Fprintf(&alias, "alias %s %s\n", a, name)
		}
		for _, s := range m.info.SoftDeps {
			fmt.Fprintf(&soft, "softdep %s %s\n", name, s)
		}
	}
	return map[string]string{
		"modules.dep":     dep.String(),
		"modules.alias":   alias.String(),
		"modules.softdep": soft.String(),
		"modules.builtin": strings.Join(builtin, "\n") + "\n",
	}
}
