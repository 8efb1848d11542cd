package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socle/agent/agenttest"
	"socle/api"
)

// TestWritingTests: tests write to the disks that the order names, on the machine that it names, and to no other.
func TestWritingTests(t *testing.T) {
	const size = 16 << 20
	r := &rig{Server: agenttest.New(t), root: fakeMachine(t, serial, map[string]int64{"vda": size, "vdb": size}), state: t.TempDir()}
	r.start(t, nil)
	was := func(name string) bool {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(r.root.Dev, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b) == strings.Repeat("old!", size/4)
	}
	plan := func(write ...string) api.BurnIn {
		return api.BurnIn{Tests: []string{api.TestDisk}, Seconds: 1, Memory: 1, Write: write}
	}
	r.want(t, r.Issue(api.OrderBurnIn, serial, plan()), "done", "")
	r.want(t, r.Issue(api.OrderBurnIn, "SRV-2", plan("VDA-1")), "refused", api.CodeWrongMachine)
	r.want(t, r.Issue(api.OrderBurnIn, serial, plan("VDA-1", "VDC-1")), "refused", api.CodeNoDisk)
	r.want(t, r.Issue(api.OrderBurnIn, serial, plan("")), "refused", api.CodeBadParams)
	if !was("vda") || !was("vdb") {
		t.Fatal("an order that was refused, or that names no disk, wrote to one")
	}
	o := r.want(t, r.Issue(api.OrderBurnIn, serial, plan("VDB-1")), "done", "")
	var got api.BurnInResult
	if err := json.Unmarshal(o.Final.Result, &got); err != nil || len(got.Failures) > 0 || !strings.Contains(string(o.Final.Result), "disk.write.random") {
		t.Errorf("%s, %v", o.Final.Result, err)
	}
	if !was("vda") || was("vdb") {
		t.Error("another disk was written to than the one that was named")
	}
	b, err := os.ReadFile(filepath.Join(r.root.Dev, "vdb"))
	if err != nil || string(b[:1<<20]) != string(make([]byte, 1<<20)) || string(b[size-1<<20:]) != string(make([]byte, 1<<20)) {
		t.Errorf("the ends of the disk are not empty after the test (%v)", err)
	}
}

// TestWritingWithoutSerial: a machine that cannot be told from others is tested, and nothing is written to it.
func TestWritingWithoutSerial(t *testing.T) {
	r := &rig{Server: agenttest.New(t), root: fakeMachine(t, "To Be Filled By O.E.M.", map[string]int64{"vda": 2 << 20}), state: t.TempDir()}
	r.start(t, nil)
	plan := api.BurnIn{Tests: []string{api.TestDisk}, Seconds: 1, Memory: 1}
	r.want(t, r.Issue(api.OrderBurnIn, "", plan), "done", "")
	plan.Write = []string{"VDA-1"}
	r.want(t, r.Issue(api.OrderBurnIn, "", plan), "refused", api.CodeWrongMachine)
}
