package sample

import (
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"socle/hardware"
)

//go:embed data/*.json
var data embed.FS

// Server is one server of the samples.
type Server struct {
	Facts hardware.Facts
	// Readings are the numbers that were measured, as far as the sample has any.
	Readings []Reading
}

// Reading is one number that was measured of one element: "cpu" "logical_0" "bandwidth_1M", or "disk" "sda"
// "standalone_read_1M_KBps". Names and units are those of the program that measured.
type Reading struct {
	Class, Element, Property string
	Value                    float64
}

// All are the servers that are built in, by serial number: twelve HP ProLiant BL460c Gen8, without readings.
func All() ([]Server, error) {
	files, err := data.ReadDir("data")
	if err != nil {
		return nil, fmt.Errorf("listing the samples: %w", err)
	}
	var all []Server
	for _, file := range files {
		f, err := data.Open("data/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the samples: %w", err)
		}
		s, err := Read(f)
		_ = f.Close() // was only read
		if err != nil {
			return nil, fmt.Errorf("sample %s: %w", file.Name(), err)
		}
		all = append(all, s)
	}
	return all, nil
}

// maxBytes bounds a file.
const maxBytes = 8 << 20

// Read reads one server: a JSON array of [class, element, property, value], all of them texts. What it does not know is
// passed over; a number that is none is an error.
func Read(r io.Reader) (Server, error) {
	var lines [][]string
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	switch {
	case err != nil:
		return Server{}, fmt.Errorf("reading a sample: %w", err)
	case len(text) > maxBytes:
		return Server{}, fmt.Errorf("reading a sample: it has more than %d bytes", maxBytes)
	}
	if err := json.Unmarshal(text, &lines); err != nil {
		return Server{}, fmt.Errorf("reading a sample: it is no list of [class, element, property, value]: %w", err)
	}
	p := reader{}
	for i, l := range lines {
		if len(l) != 4 {
			return Server{}, fmt.Errorf("reading a sample: entry %d has %d texts instead of 4", i+1, len(l))
		}
		p.take(l[0], l[1], l[2], strings.TrimSpace(l[3]))
		if p.err != nil {
			return Server{}, fmt.Errorf("reading a sample: entry %d, %s %s %s: %w", i+1, l[0], l[1], l[2], p.err)
		}
	}
	return p.server(), nil
}

// reader collects the elements in the order in which they come.
type reader struct {
	out    Server
	cpus   list[hardware.CPU]
	dimms  list[hardware.DIMM]
	disks  list[hardware.Disk]
	drives []hardware.Drive
	nics   list[hardware.NIC]
	err    error
}

// list keeps the order of what is found by name.
type list[T any] struct {
	names []string
	all   []*T
}

func (l *list[T]) get(name string) *T {
	if i := slices.Index(l.names, name); i >= 0 {
		return l.all[i]
	}
	l.names, l.all = append(l.names, name), append(l.all, new(T))
	return l.all[len(l.all)-1]
}

func (l *list[T]) values() (out []T) {
	for _, v := range l.all {
		out = append(out, *v)
	}
	return out
}

func (r *reader) number(value string) int {
	n, err := strconv.Atoi(value)
	if err == nil && n < 0 {
		err = fmt.Errorf("%d is less than nothing", n)
	}
	if err != nil && r.err == nil {
		r.err = err
	}
	return max(n, 0)
}

func (r *reader) server() Server {
	f := &r.out.Facts
	f.CPUs, f.Disks, f.Drives, f.NICs, f.Memory.DIMMs = r.cpus.values(), r.disks.values(), r.drives, r.nics.values(), r.dimms.values()
	for _, d := range f.Memory.DIMMs {
		f.Memory.TotalBytes += d.SizeBytes // what the kernel keeps for itself is not in the samples
	}
	return r.out
}
