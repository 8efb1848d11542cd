package sheet

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// book is a workbook in memory: sheets of lines of cells parted by |.
type book []struct{ name, lines string }

func (b book) Sheets() (names []string) {
	for _, s := range b {
		names = append(names, s.name)
	}
	return names
}

func (b book) Open(name string) (Records, error) {
	for _, s := range b {
		if s.name == name {
			return &cells{lines: strings.Split(s.lines, "\n")}, nil
		}
	}
	return nil, io.ErrUnexpectedEOF
}

type cells struct {
	lines []string
	line  int
}

func (c *cells) Next() ([]string, int, error) {
	for c.line < len(c.lines) {
		c.line++
		if text := c.lines[c.line-1]; text != "" {
			return strings.Split(strings.ReplaceAll(text, "~", "\n"), "|"), c.line, nil
		}
	}
	return nil, c.line, io.EOF
}

var servers = Layout{
	What: "list", Rows: "servers", AnyOf: []string{"serial", "name"},
	Optional: []string{"rack", "u", "macs", "model", "protocol", "password"}, Lists: map[string]string{"macs": ";"}, Secret: []string{"password"}, MaxRows: 5,
}

func mustTemplate(t *testing.T, text string) Template {
	t.Helper()
	p, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// dell is a mapping that uses everything.
func dell(t *testing.T) *Mapping {
	return &Mapping{
		Name: "dell",
		Columns: map[string][]string{
			"serial": {"Service Tag", "Serial"}, "macs": {"NIC* MAC", "LOM"}, "model": {"Model"}, "password": {"iDRAC Password"},
		},
		Splits:    map[string]Template{"Location": mustTemplate(t, "Rack {rack} / U{u}")},
		Constants: map[string]string{"protocol": "redfish"},
		Templates: map[string]Template{"name": mustTemplate(t, "r{rack}u{u:02}")},
		Values:    map[string]map[string]string{"model": {"poweredge r650xs": "r650"}},
		Optional:  []string{"password"},
	}
}

// all reads every value of every row.
func all(rows *[]map[string]string) func(*Line) {
	return func(l *Line) {
		row := map[string]string{}
		for _, c := range servers.All() {
			if v, _ := l.Raw(c); v != "" {
				row[c] = v
			}
		}
		*rows = append(*rows, row)
	}
}

func TestMapping(t *testing.T) {
	var rows []map[string]string
	err := ReadFrom(book{
		{"Cover", "Packing list|PO 4711\nfrom|Dell"},
		{"Servers", "Delivery of May\n\n#|Service~Tag *|Model|NIC1 MAC|NIC2 MAC|LOM|Location|Weight\n" +
			"1|7XK2B43|PowerEdge  R650xs|aa|bb||rack 12 / U7|20\n2|7XK2B44|Other||bb~cc|dd||\n|||||||\nTotal|||||||40"},
	}, dell(t), servers, all(&rows))
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{
		{"serial": "7XK2B43", "model": "r650", "macs": "aa;bb", "rack": "12", "u": "7", "name": "r12u07", "protocol": "redfish"},
		{"serial": "7XK2B44", "model": "Other", "macs": "bb;cc;dd", "protocol": "redfish"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

// TestMappingComplains names the sheet, the row and the column as the file does.
func TestMappingComplains(t *testing.T) {
	const header = "Service Tag|Model|NIC1 MAC|Location|iDRAC Password"
	fail := func(l *Line) {
		if l.Get("serial") == "bad" {
			l.Fail("serial", "it is bad")
			l.Fail("rack", "it is far")
			l.Fail("name", "it is ugly")
			l.Fail("", "all of it")
		}
	}
	read := func(src Source, m *Mapping) error { return ReadFrom(src, m, servers, fail) }
	wrong(t, read(book{{"S", header + "\nbad||||\nx|||12-7|pw"}}, dell(t)),
		"sheet S, row 2, column A (Service Tag, serial): it is bad",
		"sheet S, row 2, column D (Location, rack): it is far",
		"sheet S, row 2, column by the mapping dell (name): it is ugly",
		"sheet S, row 2: all of it",
		`sheet S, row 3, column D (Location, rack): "12-7" is not like Rack {rack} / U{u}, as the mapping dell says`)
	wrong(t, read(CSV(strings.NewReader("Service Tag,Model,LOM,Location\nbad,,,\n")), dell(t)),
		"line 2, column Service Tag (serial): it is bad", "line 2, column Location (rack)", "line 2, column by the mapping dell (name)", "line 2: all")
	wrong(t, read(CSV(strings.NewReader("what,ever\nService Tag,LOM,Location\nx,,\n")), dell(t)),
		"line 2, column model: the header has no column Model, which the mapping dell names")
	wrong(t, read(CSV(strings.NewReader("Service Tag,LOM,Model\n")), dell(t)),
		"line 1, column rack: the header has no column Location", "line 1, column u: the header has no column Location")
	wrong(t, read(CSV(strings.NewReader("what,ever\n\"")), dell(t)), "none of the first 60 rows names a column of the mapping dell")
	wrong(t, read(CSV(strings.NewReader(strings.Repeat("what,ever\n", 100))), dell(t)), "none of the first 60 rows names a column of the mapping dell")
	wrong(t, read(book{{"S", header}}, dell(t)), "sheet S: the file has a header and no servers")
	wrong(t, read(book{}, dell(t)), "the workbook has no sheets")
	other := dell(t)
	other.Sheet = "Servers"
	wrong(t, read(book{{"S", header + "\nx|||"}}, other), `there is no sheet "Servers", which the mapping dell names: there are S`)
	wrong(t, read(book{{"A", "x|y"}, {"B", "serial|u|serial|colour\nbad|||\nx|1|"}}, nil),
		"sheet B, row 1, column C (serial): it is there twice",
		`sheet B, row 1: column "colour" is not known`,
		"sheet B, row 2, column A (serial): it is bad", "sheet B, row 2, column rack: it is far", "sheet B, row 2, column name", "sheet B, row 2: all")
	wrong(t, read(CSV(strings.NewReader("serial\n"+strings.Repeat("x\n", 6))), nil), "line 7: more than 5 servers: split the list")
	wrong(t, read(CSV(strings.NewReader("u\n1\n")), nil), "line 1: one of the columns serial,name must be there")
	wrong(t, read(CSV(strings.NewReader("x,hunter2\ny,hunter3\n")), nil), "line 1: it names none of the columns, which are serial,name")
}

func TestMappingCheck(t *testing.T) {
	if problems := dell(t).Check(servers); len(problems) != 0 {
		t.Errorf("%q", problems)
	}
	bad := &Mapping{
		Columns: map[string][]string{"seriall": {"x"}}, Constants: map[string]string{"colour": "red"}, Values: map[string]map[string]string{"size": {}}, Optional: []string{"weight"},
		Templates: map[string]Template{"model": mustTemplate(t, "{password}")}, Splits: map[string]Template{"Where": mustTemplate(t, "{room}")},
	}
	want := []string{
		`columns: there is no column "seriall"`, `constants: there is no column "colour"`, `values: there is no column "size"`, `optional: there is no column "weight"`,
		`splits.Where: there is no column "room"`, "templates.model: password is a secret", "columns: nothing says serial or name",
	}
	problems := bad.Check(servers)
	if len(problems) != len(want) {
		t.Fatalf("%q", problems)
	}
	for i, w := range want {
		if !strings.HasPrefix(problems[i], w) {
			t.Errorf("problem %d is %q", i, problems[i])
		}
	}
}

func TestTemplate(t *testing.T) {
	for _, bad := range []string{"", "plain", "{", "r{rack", "{Rack}", "{u:x}", "}{u}"} {
		if _, err := ParseTemplate(bad); err == nil {
			t.Errorf("%q is a template", bad)
		}
	}
	p := mustTemplate(t, "r{rack}-{u:02}.x")
	if got := p.Expand(map[string]string{"rack": " a ", "u": "7"}); got != "ra-07.x" {
		t.Error(got)
	}
	if got := p.Expand(map[string]string{"u": "7"}); got != "" {
		t.Error(got)
	}
	if got, ok := p.Match("R1-2-07.X"); !ok || cmp.Diff(map[string]string{"rack": "1", "u": "2-07"}, got) != "" {
		t.Error(got, ok)
	}
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := letters(i); got != want {
			t.Errorf("column %d is %s", i, got)
		}
	}
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{{"nic*mac", "nic1 mac", true}, {"nic*mac", "nicmac", true}, {"nic*", "bmc", false}, {"*mac*", "a mac b", true}, {"a*b*a", "aba", true}, {"a*a", "a", false}, {"", "", false}} {
		if got := like(c.pattern, c.text); got != c.want {
			t.Errorf("%q like %q: %v", c.text, c.pattern, got)
		}
	}
}
