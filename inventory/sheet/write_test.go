package sheet

import (
	"errors"
	"strings"
	"testing"
)

// TestWrite keeps texts as they are, but for those that would be formulas.
func TestWrite(t *testing.T) {
	var b strings.Builder
	rows := [][]string{{"a,b", `say "x"`}, {"=1+1", "1=1"}, {"-x", ""}}
	if err := Write(&b, []string{"one", "two"}, rows); err != nil {
		t.Fatal(err)
	}
	if want := "one,two\n\"a,b\",\"say \"\"x\"\"\"\n'=1+1,1=1\n'-x,\n"; b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	if rows[1][0] != "=1+1" {
		t.Error("the caller's rows were changed")
	}
	if err := Write(full{}, []string{"one"}, nil); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

var errFull = errors.New("no space")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
