package netbox

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// shape is by what a CSV file is recognised: it has all of these columns. What says more comes first.
type shape struct {
	kind    Kind
	columns []string
}

var shapes = []shape{
	{Cables, []string{"side_a_device", "side_b_device", "side_a_name", "side_b_name"}},
	{MACAddresses, []string{"mac_address", "device", "interface"}},
	{PowerFeeds, []string{"power_panel", "name", "site"}},
	{Devices, []string{"device_type", "role", "site"}},
	{Interfaces, []string{"device", "name", "type"}},
	{DeviceTypes, []string{"manufacturer", "model"}},
	{Racks, []string{"site", "name", "u_height"}},
	{Locations, []string{"site", "name", "slug"}},
}

// unneeded are the columns of files that Socle writes and has no use for: manufacturers, sites, roles, power panels.
var unneeded = [][]string{
	{"name", "slug", "status", "color", "vm_role", "description", "comments", "tags", "owner", "region", "group", "tenant", "facility", "time_zone"},
	{"site", "location", "location.slug", "name", "description", "comments", "tags", "owner"},
}

// aliases are how the tables of NetBox's pages ("Export") and earlier versions call a column of the import forms.
var aliases = map[string]string{
	"device_role": "role", "serial_number": "serial", "height": "u_height", "device_a": "side_a_device", "device_b": "side_b_device",
	"termination_a": "side_a_name", "termination_b": "side_b_name", "management_only": "mgmt_only", "full_depth": "is_full_depth", "descending_units": "desc_units",
}

// column is a name of a header as it is used here: "Location.slug" is location_slug, what is asked for is location.
func column(name string) string {
	name = strings.ToLower(strings.Join(strings.Fields(strings.Trim(name, " \uFEFF")), "_"))
	if ours, there := aliases[name]; there {
		return ours
	}
	return name
}

// delimiter is what parts the columns, as NetBox takes it: a comma, a semicolon, a tab or a bar.
func delimiter(text []byte) rune {
	head, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', 0
	for _, d := range []rune{',', ';', '\t', '|'} {
		if n := bytes.Count(head, []byte(string(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

// maxRows bounds one file.
const maxRows = 500_000

// readCSV adds a file to the data; false when it is of no kind that is used.
func readCSV(d *Data, bad *Problems, name string, text []byte) bool {
	if !utf8.Valid(text) {
		bad.add(name, "it is not UTF-8")
		return false
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = delimiter(text), -1, false
	header, err := r.Read()
	if err != nil {
		bad.add(name, "%s", csvProblem(err))
		return false
	}
	kind, columns := recognise(header)
	if kind == "" {
		if slices.ContainsFunc(unneeded, func(all []string) bool {
			return !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(all, c) })
		}) {
			return false
		}
		d.note("%s was not used: its columns are those of nothing that Socle reads", name)
		return false
	}
	for n := 0; ; n++ {
		fields, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			bad.add(name, "%s", csvProblem(err))
			return true
		case n == maxRows:
			bad.add(name, "it has more than %d lines", maxRows)
			return true
		}
		line, _ := r.FieldPos(0)
		rec := record{where: fmt.Sprintf("%s, line %d", name, line), line: line, fields: make(map[string]string, len(columns))}
		if len(fields) != len(columns) {
			bad.add(rec.where, "it has %d fields, the header has %d", len(fields), len(columns))
			continue
		}
		for i, v := range fields {
			if v = strings.TrimSpace(v); v != "" && v != "—" { // how NetBox's tables write nothing
				rec.fields[columns[i]] = v
			}
		}
		if len(rec.fields) > 0 {
			d.add(kind, rec)
		}
	}
}

// csvProblem is what is wrong with the form of a file.
func csvProblem(err error) string {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return fmt.Sprintf("line %d, character %d: %v", pe.Line, pe.Column, pe.Err)
	}
	return err.Error()
}

// recognise tells of what kind a file with this header is, and what its columns are.
func recognise(header []string) (Kind, []string) {
	columns := make([]string, len(header))
	for i, h := range header {
		columns[i] = column(h)
	}
	// "Type" of a table of devices is the device type, of one of interfaces it is their type.
	if i := slices.Index(columns, "type"); i >= 0 && slices.Contains(columns, "role") && slices.Contains(columns, "rack") {
		columns[i] = "device_type"
	}
	has := func(c string) bool {
		return slices.ContainsFunc(columns, func(have string) bool { return have == c || strings.HasPrefix(have, c+".") })
	}
	for _, s := range shapes {
		if !slices.ContainsFunc(s.columns, func(c string) bool { return !has(c) }) {
			return s.kind, columns
		}
	}
	return "", columns
}
