// Package mapping reads the mappings that people write in YAML, one for each shape in which a vendor lists what it delivers,
// and suggests one for a file that nobody has seen before.
package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"socle/inventory/sheet"
)

// What a mapping is for.
const (
	Manifest = "manifest" // lists of servers
	Delivery = "delivery" // lines of orders
)

// MaxBytes bounds a document.
const MaxBytes = 64 << 10

// Document is a mapping and what it is for.
type Document struct {
	sheet.Mapping
	Of string
}

// Errors is all that is wrong with a mapping.
type Errors []string

// Error lists them, one a line.
func (e Errors) Error() string { return "reading the mapping: " + strings.Join(e, "\n  ") }

// written is a mapping as it is written.
type written struct {
	Name      string                       `yaml:"name"`
	Of        string                       `yaml:"of"`
	Sheet     string                       `yaml:"sheet"`
	Columns   map[string]texts             `yaml:"columns"`
	Splits    map[string]string            `yaml:"splits"`
	Constants map[string]string            `yaml:"constants"`
	Templates map[string]string            `yaml:"templates"`
	Values    map[string]map[string]string `yaml:"values"`
	Optional  texts                        `yaml:"optional"`

	Separator  string `yaml:"separator"`
	Encoding   string `yaml:"encoding"`
	HeaderRows int    `yaml:"header_rows"`
	RowsOf     string `yaml:"rows_of"`
}

// form is how the file is written.
func (w written) form() (f sheet.Form, errs Errors) {
	f.Encoding = strings.ToLower(w.Encoding)
	switch f.Encoding {
	case "utf-8", "utf8", "utf-16":
		f.Encoding = "" // a mark tells the second
	case "latin1", "latin-1", "iso-8859-1", "iso-8859-15", "cp1252":
		f.Encoding = sheet.Windows1252
	}
	if f.Encoding != "" && !slices.Contains(sheet.Encodings(), f.Encoding) {
		errs = append(errs, fmt.Sprintf("encoding: %s: write utf-8, utf-16 or %s", sheet.Quote(w.Encoding), strings.Join(sheet.Encodings(), ", ")))
	}
	switch name := strings.ToLower(w.Separator); {
	case name == "tab":
		f.Separator = '\t'
	case len(name) == 1 && strings.Contains(sheet.Separators, name):
		f.Separator = rune(name[0])
	case name != "":
		errs = append(errs, fmt.Sprintf("separator: %s: write one of , ; | or tab", sheet.Quote(w.Separator)))
	}
	if w.HeaderRows < 0 || w.HeaderRows > 2 {
		errs = append(errs, fmt.Sprintf("header_rows: %d: a header has 1 or 2 rows", w.HeaderRows))
	}
	return f, errs
}

// texts is one text or a list of them.
type texts []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		*t = texts{n.Value}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil || len(list) == 0 {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: write a text or a list of texts here", n.Line)}}
	}
	*t = list
	return nil
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	goType      = regexp.MustCompile(` (in|into) (type )?[a-z]+\.[a-z]+`)
)

// Parse reads a mapping; layouts are what mappings can be for, by name. When anything is wrong the error is of type Errors
// and has everything that is.
func Parse(text []byte, layouts map[string]sheet.Layout) (Document, error) {
	if len(text) > MaxBytes {
		return Document{}, Errors{fmt.Sprintf("it has more than %d bytes", MaxBytes)}
	}
	var w written
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var typed *yaml.TypeError
	switch err := d.Decode(&w); {
	case errors.As(err, &typed):
		var errs Errors
		for _, e := range typed.Errors {
			errs = append(errs, goType.ReplaceAllString(e, ""))
		}
		return Document{}, errs
	case err != nil:
		return Document{}, Errors{"it is no YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	return w.document(layouts)
}

func (w written) document(layouts map[string]sheet.Layout) (Document, error) {
	form, errs := w.form()
	doc := Document{Of: w.Of, Mapping: sheet.Mapping{Name: w.Name, Sheet: w.Sheet, Form: form, HeaderRows: w.HeaderRows, RowsOf: w.RowsOf, Columns: map[string][]string{}, Constants: w.Constants, Optional: w.Optional}}
	if doc.Of == "" {
		doc.Of = Manifest
	}
	if !namePattern.MatchString(w.Name) {
		errs = append(errs, fmt.Sprintf("name: %s: use 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", a letter or digit first", sheet.Quote(w.Name)))
	}
	for column, theirs := range w.Columns {
		doc.Columns[column] = theirs
	}
	parse := func(part string, from map[string]string) map[string]sheet.Template {
		to := map[string]sheet.Template{}
		for key, text := range from {
			t, err := sheet.ParseTemplate(text)
			if err != nil {
				errs = append(errs, fmt.Sprintf("%s.%s: %v", part, key, err))
			}
			to[key] = t
		}
		return to
	}
	doc.Splits, doc.Templates = parse("splits", w.Splits), parse("templates", w.Templates)
	doc.Values = map[string]map[string]string{}
	for column, words := range w.Values {
		doc.Values[column] = map[string]string{}
		for theirs, ours := range words {
			doc.Values[column][strings.ToLower(strings.Join(strings.Fields(theirs), " "))] = ours
		}
	}
	layout, known := layouts[doc.Of]
	if !known {
		errs = append(errs, fmt.Sprintf("of: %s: write %s or %s", sheet.Quote(doc.Of), Manifest, Delivery))
	} else if len(errs) == 0 {
		errs = append(errs, doc.Check(layout)...)
	}
	if len(errs) > 0 {
		slices.Sort(errs)
		return Document{}, errs
	}
	return doc, nil
}
