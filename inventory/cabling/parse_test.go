package cabling

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory/sheet"
)

func TestParse(t *testing.T) {
	const file = "Server,port,switch,switch_port,colour,label,group\nHV01,eth0,leaf-a,Ethernet1/1,blue,C-1,bond0\nhv01,BMC,mgmt,12,,,\n"
	got, err := Parse(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []Cable{
		{Line: 2, Server: "hv01", Port: "eth0", Switch: "leaf-a", SwitchPort: "Ethernet1/1", Group: "bond0", Label: "C-1", Colour: "blue"},
		{Line: 3, Server: "hv01", Port: "BMC", Switch: "mgmt", SwitchPort: "12"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cables (-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	const file = "server,port,switch,switch_port\nhv01,1,leaf-a,Ethernet1/1\nh_v,2,leaf-a,\nhv01,1,leaf-b,Ethernet1/1\nhv02,1,LEAF-A,Eth1/01\nhv02\n"
	cables, err := Parse(strings.NewReader(file))
	var errs sheet.Errors
	if !errors.As(err, &errs) || cables != nil {
		t.Fatalf("got %v, error %v", cables, err)
	}
	want := []string{
		`line 3, column server: "h_v" is not made of`, "line 3, column switch_port: it is empty", "line 4, column port: port 1 of hv01 is that of line 2 too",
		"line 5, column switch_port: LEAF-A Eth1/01 is that of line 2 too", "line 6: it has 1 fields, the header has 4",
	}
	if len(errs.List) != len(want) {
		t.Fatalf("errors are %v", err)
	}
	for i, w := range want {
		if !strings.HasPrefix(errs.List[i].Error(), w) {
			t.Errorf("error %d is %q", i+1, errs.List[i])
		}
	}
}

// FuzzParse: what was read can be written and read again, and compared with a fleet that is not there.
func FuzzParse(f *testing.F) {
	f.Add("server,port,switch,switch_port\nhv01,1,leaf-a,Ethernet1/1\n")
	f.Add("server,port,switch,switch_port,group,label,colour,length\nhv01,3b:00.1,44:38:39:00:00:01,et-0/0/1.0,b,\"a,b\",red,2 m\nhv01,BMC,10.0.0.1,bridge1/ether2,,,,\n")
	f.Add("server,port,switch,switch_port\na,0,.,\xc4\xb0/\n")
	f.Fuzz(func(t *testing.T, file string) {
		cables, err := Parse(strings.NewReader(file))
		if (err == nil) == (len(cables) == 0) {
			t.Fatalf("%d cables, error %v", len(cables), err)
		}
		if err != nil {
			return
		}
		for _, c := range cables {
			if !SamePort(c.SwitchPort, c.SwitchPort) {
				t.Fatalf("%q is not itself", c.SwitchPort)
			}
		}
		var b strings.Builder
		if err := Write(&b, cables); err != nil {
			t.Fatal(err)
		}
		again, err := Parse(strings.NewReader(b.String()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		for i := range again {
			again[i].Line = cables[i].Line
		}
		if diff := cmp.Diff(cables, again); diff != "" {
			t.Fatal(diff)
		}
		if n := Compare(cables, nil).Count(Unseen); n != len(cables) {
			t.Fatalf("%d of %d are unseen", n, len(cables))
		}
	})
}

// TestDocumentedExample reads the example of docs/cabling.md, and looks whether the page names every column and state.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/cabling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```csv\n")
	example, text, _ := strings.Cut(rest, "```")
	if cables, err := Parse(strings.NewReader(example)); err != nil || len(cables) != 3 || cables[1].Label != "C-0118" {
		t.Errorf("the example: %v, %v", cables, err)
	}
	for _, column := range layout.All() {
		if !strings.Contains(text, "`"+column+"`") {
			t.Errorf("the page does not name the column %s", column)
		}
	}
	for _, s := range States() {
		if !strings.Contains(text, string(s)) {
			t.Errorf("the page does not name the state %s", s)
		}
	}
}
