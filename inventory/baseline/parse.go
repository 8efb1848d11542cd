package baseline

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"socle/inventory"
)

// Bounds of a document.
const (
	MaxBytes = 1 << 20
	maxRules = 1000
	maxText  = 500 // bytes of one value
)

// Error is one thing that is wrong with a document.
type Error struct {
	Line    int    // from 1
	Path    string // "rules[2].sha256"; empty: the whole document
	Message string // what is wrong and what would be right
}

// Errors is all that is wrong with a document, by line.
type Errors []Error

// Error lists them, one a line.
func (e Errors) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "reading the baseline: %s", inventory.Plural(len(e), "error"))
	for _, x := range e {
		fmt.Fprintf(&b, "\n  line %d, %s: %s", x.Line, x.Path, x.Message)
	}
	return b.String()
}

var (
	namePattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	filePattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
	digestPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Parse reads a document in YAML, or JSON, which is a part of it. When anything is wrong the error is of type Errors and
// has everything that is.
func Parse(text []byte) (Document, error) {
	var p parser
	var root yaml.Node
	switch err := yaml.Unmarshal(text, &root); {
	case len(text) > MaxBytes:
		p.add(1, "", "it has more than %d bytes", MaxBytes)
	case err != nil:
		p.add(1, "", "it is neither YAML nor JSON: %v", err)
	case len(root.Content) != 1:
		p.add(1, "", "it is empty: write name and rules")
	default:
		p.document(root.Content[0])
	}
	if len(p.errs) > 0 {
		slices.SortStableFunc(p.errs, func(a, b Error) int { return a.Line - b.Line })
		return Document{}, p.errs
	}
	return p.doc, nil
}

type parser struct {
	doc  Document
	errs Errors
}

func (p *parser) add(line int, path, format string, args ...any) {
	if len(p.errs) < 100 {
		p.errs = append(p.errs, Error{max(line, 1), path, fmt.Sprintf(format, args...)})
	}
}

// fields calls each for the keys of a mapping, each once.
func (p *parser) fields(n *yaml.Node, path string, each func(key string, value *yaml.Node, path string)) {
	if n.Kind != yaml.MappingNode {
		p.add(n.Line, path, "write keys and values here")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		at := strings.TrimPrefix(path+"."+key, ".")
		if seen[key] {
			p.add(n.Content[i].Line, at, "it is there twice")
			continue
		}
		seen[key] = true
		each(key, n.Content[i+1], at)
	}
}

func (p *parser) document(n *yaml.Node) {
	var rules *yaml.Node
	p.fields(n, "", func(key string, v *yaml.Node, path string) {
		switch key {
		case "name":
			p.doc.Name = p.text(v, path)
		case "rules":
			rules = v
		default:
			p.add(v.Line, path, "there is no such key: use name and rules")
		}
	})
	if !namePattern.MatchString(p.doc.Name) {
		p.add(n.Line, "name", "%q: use 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first", p.doc.Name)
	}
	switch {
	case rules == nil || rules.Kind != yaml.SequenceNode || len(rules.Content) == 0:
		p.add(n.Line, "rules", "a baseline has a list of rules, one at least")
		return
	case len(rules.Content) > maxRules:
		p.add(rules.Line, "rules", "more than %d", maxRules)
		return
	}
	for i, v := range rules.Content {
		p.rule(v, fmt.Sprintf("rules[%d]", i))
	}
}

// text is a value as it was written: 2.10 is not the number 2.1.
func (p *parser) text(n *yaml.Node, path string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" || len(n.Value) > maxText {
		p.add(n.Line, path, "write a text of 1 to %d bytes here", maxText)
		return ""
	}
	return strings.TrimSpace(n.Value)
}

func (p *parser) rule(n *yaml.Node, path string) {
	var r Rule
	var least, exactly, needs string
	keys := map[string]*string{
		"vendor": &r.Vendor, "model": &r.Model, "component": &r.Component, "at_least": &least, "exactly": &exactly,
		"file": &r.File, "sha256": &r.SHA256, "url": &r.URL, "needs": &needs,
	}
	lines := map[string]int{}
	p.fields(n, path, func(key string, v *yaml.Node, at string) {
		to := keys[key]
		if to == nil {
			p.add(v.Line, at, "there is no such key: use vendor, model, component, at_least or exactly, file and sha256 or url, needs")
			return
		}
		*to, lines[key] = p.text(v, at), v.Line
	})
	if n.Kind != yaml.MappingNode {
		return
	}
	wrong := func(key, format string, args ...any) {
		line := lines[key]
		if line == 0 {
			line = n.Line
		}
		p.add(line, path+"."+key, format, args...)
	}
	has := func(key string) bool { _, there := lines[key]; return there }
	for _, key := range []string{"model", "component"} {
		if !has(key) {
			wrong(key, "it is missing; * stands for anything")
		}
	}
	switch {
	case has("at_least") == has("exactly"):
		wrong("at_least", "name the version by at_least or by exactly, and not by both")
	case least != "" && !Comparable(least):
		wrong("at_least", "nobody can tell what is older than %q: use exactly", least)
	}
	r.Version, r.Exact = least+exactly, has("exactly")
	switch {
	case has("file") != has("sha256"):
		wrong("file", "file and sha256 go together")
	case has("url") && has("file"):
		wrong("url", "use a file of Socle's store or a URL, and not both")
	}
	if r.File != "" && !filePattern.MatchString(r.File) {
		wrong("file", "%q is no plain name of a file: use letters, digits, \".\", \"_\", \"+\" and \"-\"", r.File)
	}
	if r.SHA256 = strings.ToLower(r.SHA256); r.SHA256 != "" && !digestPattern.MatchString(r.SHA256) {
		wrong("sha256", "%q is no SHA-256 in hexadecimal (64 digits): socle firmware add shows it", r.SHA256)
	}
	if u, err := url.Parse(r.URL); r.URL != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https") {
		wrong("url", "%q is no http or https URL, or holds a password", r.URL)
	}
	r.Needs = inventory.Need(needs)
	if !slices.Contains([]inventory.Need{"", inventory.NeedsNothing, inventory.NeedsReboot, inventory.NeedsBMC}, r.Needs) {
		wrong("needs", "%q: use %s, %s or %s", needs, inventory.NeedsReboot, inventory.NeedsBMC, inventory.NeedsNothing)
	}
	p.doc.Rules = append(p.doc.Rules, r)
}
