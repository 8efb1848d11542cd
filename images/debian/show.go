package debian

import (
	"fmt"
	"path"
	"strings"
)

// parseShow reads the first paragraph of "apt-cache show" (deb822, Debian Policy chapter 5). The fields
// that matter stand on one line each; continuation lines are skipped.
func parseShow(text string) (Package, error) {
	paragraph, _, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n\n")
	fields := map[string]string{}
	for line := range strings.SplitSeq(paragraph, "\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			continue
		}
		fields[key] = strings.TrimSpace(value)
	}
	p := Package{
		Name:    fields["Package"],
		Version: fields["Version"],
		Arch:    fields["Architecture"],
		SHA256:  strings.ToLower(fields["SHA256"]),
		File:    path.Base(fields["Filename"]),
		Depends: parseDepends(fields["Depends"]),
	}
	for key, value := range map[string]string{
		"Package": p.Name, "Version": p.Version, "Architecture": p.Arch, "SHA256": p.SHA256, "Filename": fields["Filename"],
	} {
		if value == "" {
			// An installed package that no source offers any more has no file to download.
			return Package{}, fmt.Errorf("%w: apt's lists give no %s for %q; run \"apt-get update\"", ErrUnknown, key, p.Name)
		}
	}
	if !strings.HasSuffix(p.File, ".deb") {
		return Package{}, fmt.Errorf("package %s has the file name %q, which is not that of a package", p.Name, fields["Filename"])
	}
	return p, nil
}

// parseDepends takes the first alternative of each dependency and drops its version and architecture.
func parseDepends(text string) []string {
	var names []string
	for dep := range strings.SplitSeq(text, ",") {
		first, _, _ := strings.Cut(dep, "|")
		name, _, _ := strings.Cut(strings.TrimSpace(first), " ")
		name, _, _ = strings.Cut(name, ":")
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}
