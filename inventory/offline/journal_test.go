package offline_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"socle/inventory/offline"
)

// written is the text of a journal with one entry of each kind.
func written(t testing.TB) []byte {
	t.Helper()
	c := offline.NewChain("SNAP")
	var text []byte
	for _, e := range []offline.Entry{
		racked(1),
		{Time: noon, Actor: "anna", Kind: offline.ActSeen, Rack: "lab/r7", Code: "XYZ", Text: "no server has it"},
		{Time: noon, Actor: "anna", Kind: offline.ActNote, Rack: "lab/r7", Machine: "id-2", Name: "n2", Text: "left rail is bent"},
		racked(2),
	} {
		line, err := c.Add(e)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, line...)
	}
	return text
}

// TestPowerLossAnywhere: however much of the file reached the disk, whole lines are read and the rest is said to be torn.
func TestPowerLossAnywhere(t *testing.T) {
	text := written(t)
	for n := range len(text) + 1 {
		c, torn, err := offline.Parse(text[:n], "SNAP")
		if err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		lines := bytes.Count(text[:n], []byte("\n"))
		if len(c.Entries) != lines || len(torn) != n-1-bytes.LastIndexByte(text[:n], '\n') {
			t.Fatalf("after %d bytes: %d entries, %d torn", n, len(c.Entries), len(torn))
		}
	}
}

// TestDamageIsSeen: no byte can be changed, no line taken out or put elsewhere, and no journal put to another snapshot.
func TestDamageIsSeen(t *testing.T) {
	text := written(t)
	for i := range text[:len(text)-1] { // without the last newline, what is before it is torn
		bad := slices.Clone(text)
		bad[i] ^= 1
		if _, _, err := offline.Parse(bad, "SNAP"); !errors.Is(err, offline.ErrDamaged) {
			t.Fatalf("byte %d was changed: %v", i, err)
		}
	}
	lines := strings.SplitAfter(string(text), "\n")
	for name, bad := range map[string]string{
		"line 1": strings.Join(lines[1:], ""), "line 2": lines[0] + lines[2], "line 5": string(text) + lines[3],
	} {
		if _, _, err := offline.Parse([]byte(bad), "SNAP"); !errors.Is(err, offline.ErrDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := offline.Parse(text, "OTHER"); !errors.Is(err, offline.ErrDamaged) {
		t.Error(err)
	}
}

func TestEntriesSayWhatTheyMust(t *testing.T) {
	c := offline.NewChain("SNAP")
	for name, change := range map[string]func(*offline.Entry){
		"nobody": func(e *offline.Entry) { e.Actor = "" }, "nowhere": func(e *offline.Entry) { e.Place.U = 0 }, "too high": func(e *offline.Entry) { e.Place.U = 60 },
		"no kind": func(e *offline.Entry) { e.Kind = "moved" }, "no words": func(e *offline.Entry) { e.Kind = offline.ActNote },
		"nothing": func(e *offline.Entry) { e.Kind, e.Code = offline.ActSeen, "" },
	} {
		e := racked(1)
		change(&e)
		if _, err := c.Add(e); err == nil {
			t.Errorf("%s: it was written down", name)
		}
	}
	long := racked(1)
	long.Text = strings.Repeat("é", 1000)
	if _, err := c.Add(long); err != nil || len(c.Entries) != 1 || len(c.Entries[0].Text) != 500 {
		t.Errorf("%v, %d entries", err, len(c.Entries))
	}
}

func open(t *testing.T, path string) *offline.Journal {
	t.Helper()
	j, err := offline.OpenJournal(path, "SNAP")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // some close it before
	return j
}

// TestJournalGoesOnAfterACrash: what was torn is taken off and told, and the work goes on behind it.
func TestJournalGoesOnAfterACrash(t *testing.T) {
	path := offline.JournalPath(filepath.Join(t.TempDir(), "r7.snapshot"))
	if c, text, torn, err := offline.ReadJournal(path, "SNAP"); err != nil || len(c.Entries)+len(text)+torn != 0 {
		t.Fatalf("one that is not there: %v", err)
	}
	j := open(t, path)
	if _, err := j.Write(racked(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := offline.OpenJournal(path, "SNAP"); err == nil || !strings.Contains(err.Error(), "somebody else works with it") {
		t.Errorf("a second one: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(slices.Clone(whole), whole[:40]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, text, torn, err := offline.ReadJournal(path, "SNAP"); err != nil || torn != 40 || !bytes.Equal(text, whole) {
		t.Errorf("reading it: %v, %d torn", err, torn)
	}
	j = open(t, path)
	if j.Torn != 40 || len(j.Entries) != 1 {
		t.Fatalf("%d torn, %d entries", j.Torn, len(j.Entries))
	}
	if _, err := j.Write(racked(2)); err != nil {
		t.Fatal(err)
	}
	c, _, torn, err := offline.ReadJournal(path, "SNAP")
	if err != nil || torn != 0 || len(c.Entries) != 2 || c.Entries[1].Name != "n2" {
		t.Errorf("%v: %+v, %d torn", err, c, torn)
	}
}

// TestKilledInTheMiddle kills a process that writes without end: what it said to be written down is there.
func TestKilledInTheMiddle(t *testing.T) {
	const variable = "SOCLE_TEST_JOURNAL"
	if path := os.Getenv(variable); path != "" {
		j := open(t, path)
		for range 100000 {
			e, err := j.Write(racked(1))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println("written", e.ID)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "journal")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKilledInTheMiddle$")
	cmd.Env = append(os.Environ(), variable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "written "); ok {
			said = append(said, id)
		}
		if len(said) == 25 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(said) < 25 {
		t.Fatalf("it ended by itself (%v) after %d entries", err, len(said))
	}
	j := open(t, path)
	if len(j.Entries) < len(said) {
		t.Fatalf("%d entries were said to be written down, %d are", len(said), len(j.Entries))
	}
	for i, id := range said {
		if j.Entries[i].ID != id {
			t.Fatalf("entry %d is %s, not %s", i, j.Entries[i].ID, id)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(written(f), "SNAP")
	f.Add([]byte("x {}\n"), "")
	f.Fuzz(func(t *testing.T, text []byte, snapshot string) {
		c, torn, err := offline.Parse(text, snapshot)
		if err != nil {
			return
		}
		if len(torn) > 0 && !bytes.HasSuffix(text, torn) {
			t.Error("what is torn is not the end")
		}
		again, _, err := offline.Parse(text[:len(text)-len(torn)], snapshot)
		if err != nil || len(again.Entries) != len(c.Entries) {
			t.Errorf("without what was torn: %v", err)
		}
	})
}

func FuzzReadFile(f *testing.F) {
	sign, _ := signer(f)
	file, err := offline.Seal(carried(), sign)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file.Payload)
	f.Add([]byte("{}"))
	f.Fuzz(func(_ *testing.T, payload []byte) {
		if g, err := offline.ReadFile(payload); err == nil {
			_, _ = g.Open(func(_, _, _ []byte) error { return nil })
		}
		g := file
		g.Payload = payload
		_, _ = g.Open(func(_, _, _ []byte) error { return nil })
	})
}
