package bmc

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"socle/inventory"
)

//go:embed outlets.json
var outletsFile []byte

// outletKind is one row of the table of PDUs: where the outlets of a vendor's are, and what the values mean. A vendor
// is a row, never a branch.
type outletKind struct {
	Name   string `json:"name"`
	System string `json:"system"` // how sysObjectID (RFC 3418) begins
	Unit   string `json:"unit"`   // what stands before an outlet's number in an index, of the first unit; empty: nothing
	Names  string `json:"names"`  // column of the outlets' names
	State  string `json:"state"`  // column of their states
	// States says which values of State are on and off; another one tells of something else.
	States map[string]inventory.Power `json:"states"`
	On     outletCommand              `json:"on"`
	Off    outletCommand              `json:"off"`
	Source string                     `json:"source"` // the MIB, and what it calls these
}

// outletCommand is the column to write an integer to.
type outletCommand struct {
	At    string `json:"at"`
	Value int    `json:"value"`
}

var outletTable = sync.OnceValue(func() []outletKind {
	rows, err := readOutlets(outletsFile)
	if err != nil {
		panic(err) // a test reads the same file
	}
	return rows
})

// outletNumber is an outlet's number, or its whole index where PDUs are chained: unit, outlet.
var (
	outletNumber = regexp.MustCompile(`^[0-9]{1,5}(\.[0-9]{1,5}){0,3}$`)
	outletColumn = regexp.MustCompile(`^1\.3\.6\.1\.4\.1(\.[0-9]+){2,20}$`)
)

// readOutlets reads a table and checks it.
func readOutlets(text []byte) ([]outletKind, error) {
	var file struct {
		Version int          `json:"version"`
		Kinds   []outletKind `json:"kinds"`
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("reading the kinds of PDUs: %w", err)
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("reading the kinds of PDUs: version %d is not known", file.Version)
	}
	for i, k := range file.Kinds {
		for _, c := range []string{k.Names, k.State, k.On.At, k.Off.At} {
			if !outletColumn.MatchString(c) || !strings.HasPrefix(c, k.System+".") {
				return nil, fmt.Errorf("reading the kinds of PDUs: row %d %q: %q is no column below %q", i+1, k.Name, c, k.System)
			}
		}
		on, off := 0, 0
		for _, p := range k.States {
			switch p {
			case inventory.PowerOn:
				on++
			case inventory.PowerOff:
				off++
			}
		}
		switch {
		case k.Name == "" || k.Source == "":
			return nil, fmt.Errorf("reading the kinds of PDUs: row %d has no name or no source", i+1)
		case on == 0 || off == 0 || on+off != len(k.States):
			return nil, fmt.Errorf("reading the kinds of PDUs: row %d %q: states must be on or off, and some of each", i+1, k.Name)
		case k.On == k.Off:
			return nil, fmt.Errorf("reading the kinds of PDUs: row %d %q: on and off are the same", i+1, k.Name)
		case k.Unit != "" && !outletNumber.MatchString(k.Unit):
			return nil, fmt.Errorf("reading the kinds of PDUs: row %d %q: unit %q is no index", i+1, k.Name, k.Unit)
		}
	}
	return file.Kinds, nil
}

// kindsOf are the rows that fit what a PDU says it is. A vendor's newer PDUs often have the older ones' outlets too: the
// first row whose outlets are there counts.
func kindsOf(rows []outletKind, system string) (fit []outletKind) {
	for _, k := range rows {
		if system == k.System || strings.HasPrefix(system, k.System+".") {
			fit = append(fit, k)
		}
	}
	return fit
}

// index is where an outlet's number stands in the columns.
func (k outletKind) index(outlet string) string {
	if k.Unit == "" || strings.Contains(outlet, ".") {
		return outlet
	}
	return k.Unit + "." + outlet
}
