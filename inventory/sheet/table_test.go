package sheet

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

const columns = "name,port,colour"

// read reads a table whose port and colour are optional, and gives it nothing to complain of.
func read(r io.Reader) error {
	return Read(r, Layout{What: "plan", Rows: "cables", Required: []string{"name"}, Optional: []string{"port", "colour"}}, func(*Line) {})
}

func TestReadCountsTheRest(t *testing.T) {
	err := read(strings.NewReader(columns + "\n" + strings.Repeat("s1\n", 1000)))
	var errs Errors
	if !errors.As(err, &errs) || len(errs.List) != maxErrors || errs.Rest != 1000-maxErrors {
		t.Fatalf("kept %d errors and counted %d more", len(errs.List), errs.Rest)
	}
	if text := err.Error(); !strings.HasSuffix(text, "and 900 more") || !strings.Contains(text, "1000 errors") {
		t.Errorf("the text ends in %q", text[len(text)-40:])
	}
}

// TestReadLongLine reads a line of 10 MB, and a file without an end, in the memory of one line.
func TestReadLongLine(t *testing.T) {
	for _, tt := range []struct {
		name string
		tail io.Reader
		want string
	}{
		{"10 MB", io.MultiReader(io.LimitReader(endless('x'), 10<<20), strings.NewReader("\na,1\n")), "line 2: it is longer than 65536 bytes"},
		{"without an end", endless('x'), "line 2: the file is larger than 64 MiB"},
		{"empty lines without an end", endless('\n'), "line 200001: the file has more than 200000 lines"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := read(io.MultiReader(strings.NewReader(columns+"\n"), tt.tail))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v", err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
				t.Errorf("reading allocated %d bytes", got)
			}
		})
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestReadReadError(t *testing.T) {
	broken := errors.New("the disk is gone")
	err := read(io.MultiReader(strings.NewReader(columns+"\n"), iotestErr{broken}))
	var errs Errors
	if !errors.Is(err, broken) || errors.As(err, &errs) {
		t.Fatalf("error is %v", err)
	}
}

type iotestErr struct{ err error }

func (r iotestErr) Read([]byte) (int, error) { return 0, r.err }

// TestRows asks rows for this and that.
func TestRows(t *testing.T) {
	var got []string
	err := Read(strings.NewReader("Port, NAME ,mac\n eth0 ,HV01,x\neth1,hv01,x\n# remark\n,h_v,x\n,hv02\n"),
		Layout{What: "plan", Rows: "cables", Required: []string{"name", "mac"}, Optional: []string{"port"}}, func(l *Line) {
			name, port := l.Label("name"), l.Text("port")
			l.Claim("name", name, "name "+name)
			if l.OK() {
				got = append(got, name+"/"+port)
			}
		})
	wrong(t, err, "line 3, column name: name hv01 is that of line 2 too",
		`line 5, column name: "h_v" is not made of a-z, 0-9 and -`,
		"line 6: it has 2 fields, the header has 3")
	if len(got) != 1 || got[0] != "hv01/eth0" {
		t.Errorf("rows are %q", got)
	}
}

// wrong compares what is wrong with the beginnings of what is to be.
func wrong(t *testing.T, err error, want ...string) {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) || len(errs.List) != len(want) {
		t.Fatalf("error is %v", err)
	}
	for i, w := range want {
		if !strings.HasPrefix(errs.List[i].Error(), w) {
			t.Errorf("error %d is %q, want %q", i+1, errs.List[i], w)
		}
	}
}
