package recipe

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// release is the Debian release that the images are made of.
const release = "bookworm"

// suites are Debian's own for that release; those of other vendors are called differently.
var suites = []string{release, release + "-updates", release + "-security"}

// hostSources finds where this host gets Debian's own packages from, as lines for sources.list, main
// component only. Empty when the host runs something else: mmdebstrap then uses its default.
func hostSources(etc string) string {
	var lines []string
	files, _ := filepath.Glob(filepath.Join(etc, "sources.list.d", "*")) // the pattern is valid
	for _, f := range append([]string{filepath.Join(etc, "sources.list")}, files...) {
		data, err := os.ReadFile(f) //nolint:gosec // apt's own files
		if err != nil {
			continue // an absent or unreadable file is no source; apt would say so itself
		}
		switch filepath.Ext(f) {
		case ".list":
			lines = append(lines, oneLine(string(data))...)
		case ".sources":
			lines = append(lines, deb822(string(data))...)
		}
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	// Without the release itself the rest cannot make a system.
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, " "+release+" main") }) {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// oneLine reads the classic format: deb [options] URI suite component…
func oneLine(text string) (lines []string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] != "deb" {
			continue
		}
		if strings.HasPrefix(f[1], "[") {
			i := slices.IndexFunc(f, func(s string) bool { return strings.HasSuffix(s, "]") })
			if i < 0 {
				continue
			}
			f = append(f[:1], f[i+1:]...)
		}
		if len(f) >= 4 {
			lines = append(lines, sourceLines(f[1:2], f[2:3], f[3:])...)
		}
	}
	return lines
}

// deb822 reads the paragraphs of a .sources file.
func deb822(text string) (lines []string) {
	field, values := "", map[string][]string{}
	flush := func() {
		if slices.Contains(values["types"], "deb") && !slices.Contains(values["enabled"], "no") {
			lines = append(lines, sourceLines(values["uris"], values["suites"], values["components"])...)
		}
		field, values = "", map[string][]string{}
	}
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() {
		line := s.Text()
		switch {
		case strings.TrimSpace(line) == "":
			flush()
		case strings.HasPrefix(line, "#"):
		case line[0] == ' ' || line[0] == '\t':
			values[field] = append(values[field], strings.Fields(line)...)
		default:
			name, value, _ := strings.Cut(line, ":")
			field = strings.ToLower(name)
			values[field] = append(values[field], strings.Fields(value)...)
		}
	}
	flush()
	return lines
}

func sourceLines(uris, of, components []string) (lines []string) {
	if !slices.Contains(components, "main") {
		return nil
	}
	for _, uri := range uris {
		for _, suite := range of {
			if slices.Contains(suites, suite) {
				lines = append(lines, "deb "+uri+" "+suite+" main")
			}
		}
	}
	return lines
}
