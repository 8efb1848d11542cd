package inventory

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpandRange(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"hv01", "hv01"},
		{"hv01,st01", "hv01 st01"},
		{"r[01-02]u[1-3]", "r01u1 r01u2 r01u3 r02u1 r02u2 r02u3"},
		{"st[1-3,7]", "st1 st2 st3 st7"},
		{"n[09-11]", "n09 n10 n11"},
		{"n[9-11]", "n9 n10 n11"},
		{"a[1-4],-a[2,3]", "a1 a4"},
		{"a1,a[1-2],b", "a1 a2 b"},
		{" a , b ", "a b"},
		{"rack-1.example", "rack-1.example"},
	} {
		got, err := ExpandRange(c.text)
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", c.text, err, diff)
		}
	}
	for text, why := range map[string]string{
		"": "empty", "a,,b": "empty", "-": "empty", "a[1-3": "match", "a]1": "match", "a[[1]]": "match", "a[x]": "no list", "a[]": "no list",
		"a[3-1]": "smaller", "a[1-999999999]": "more than", "a[1-1000]b[1-1000]": "more than", "a[1-1111111111]": "no list",
	} {
		if got, err := ExpandRange(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v; want %q", text, got, err, why)
		}
	}
}

func TestFoldNames(t *testing.T) {
	for names, want := range map[string]string{
		"hv01":                "hv01",
		"hv01 hv02 hv04":      "hv[01-02,04]",
		"st9 st10 st8":        "st[8-10]",
		"a09 a10 a9":          "a[9,09-10]",
		"r1u1 r1u2 r2u1 r2u2": "r1u[1-2],r2u[1-2]",
		"x1.lab x2.lab y":     "x[1-2].lab,y",
		"odd[1] odd[2]":       "odd[1],odd[2]",
		"":                    "",
	} {
		if got := FoldNames(strings.Fields(names)); got != want {
			t.Errorf("%s: %s, want %s", names, got, want)
		}
	}
}

// FuzzRange: no text breaks it, and what was folded expands to the same names.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"r[01-04]u[1-40]", "a,-b", "a[1-3,7]b", "a[9-10]", "[", "a[0-0]", "x[00-99]", "a09,a10,a9,a010"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, err := ExpandRange(text)
		if err != nil || len(names) == 0 {
			return
		}
		again, err := ExpandRange(FoldNames(names))
		slices.Sort(names)
		slices.Sort(again)
		if err != nil || !slices.Equal(names, again) {
			t.Errorf("%q: %v became %q: %v, %v", text, names, FoldNames(names), again, err)
		}
	})
}

// TestFoldedForClusterShell: ClusterShell unfolds what we fold, to the same names.
func TestFoldedForClusterShell(t *testing.T) {
	var fleet []string
	for rack := range 50 {
		for u := 1; u <= 40; u += 1 + rack%3 {
			fleet = append(fleet, fmt.Sprintf("r%02du%02d", rack+1, u))
		}
	}
	sets := [][]string{
		fleet,
		{"hv01"},
		{"hv01", "hv02", "hv03", "hv07"},
		{"n8", "n9", "n10", "n11", "n99", "n100"},
		{"n098", "n099", "n100", "n1000"},
		{"n1", "n01", "n001", "n2", "n02"},
		{"rack-1.example", "rack-2.example", "login", "st1-bmc", "st2-bmc"},
		{"a1b2", "a1b3", "a2b2", "a10b2"},
	}
	for _, names := range sets {
		folded := FoldNames(names)
		out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c",
			"import sys; from ClusterShell.NodeSet import NodeSet; print('\\n'.join(NodeSet(sys.argv[1])))", folded).CombinedOutput()
		if err != nil {
			t.Fatalf("ClusterShell (package python3-clustershell) does not take %q: %v: %s", folded, err, out)
		}
		want := slices.Sorted(slices.Values(names))
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(strings.Fields(string(out))))); diff != "" {
			t.Errorf("%s is unfolded to others: %s", folded, diff)
		}
	}
}
