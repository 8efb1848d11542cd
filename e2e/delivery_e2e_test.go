//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/lab"
)

// ordered are thirteen equal servers as they were ordered, of which the last will never come.
func ordered() (servers []lab.Server) {
	for u := 1; u <= 13; u++ {
		name := fmt.Sprintf("r50u%02d", u)
		s := lab.Server{
			Name: name, Serial: fmt.Sprintf("ACME%04d", 700+u), Manufacturer: "Acme", Product: "Lab E9", FirmwareVersion: "2.4.1",
			Firmware: lab.BIOS, CPUs: 1, Rack: "r50", U: u,
			BMC: lab.BMC{Protocol: lab.Redfish, User: "root", Password: lab.Password{Secret: secret.New("calvin-" + name)}},
		}
		for i, slot := range []string{"A1", "A2", "B1", "B2"} {
			s.DIMMs = append(s.DIMMs, lab.DIMM{Slot: slot, SizeMiB: 192, Part: "ACM-M192", Serial: fmt.Sprintf("M%02d%d", u, i)})
		}
		for i, leaf := range []string{"leaf-a", "leaf-b"} {
			s.NICs = append(s.NICs, lab.NIC{Switch: leaf, Port: "swp" + strconv.Itoa(u)})
			s.Disks = append(s.Disks, lab.Disk{Serial: fmt.Sprintf("ACD%02d%d", u, i), SizeMiB: 3 << 10, Speed: 8, IOPS: 80})
		}
		servers = append(servers, s)
	}
	return servers
}

// built are the twelve that came, four of them not as ordered.
func built(servers []lab.Server) []lab.Server {
	servers = slices.Clone(servers[:12])
	servers[2].DIMMs = slices.Clone(servers[2].DIMMs)
	servers[2].DIMMs[3] = lab.DIMM{Slot: "B2"}
	nics := servers[4].NICs
	servers[4].NICs = []lab.NIC{{Switch: nics[1].Switch, Port: nics[1].Port}, {Switch: nics[0].Switch, Port: nics[0].Port}}
	servers[7].Disks = slices.Clone(servers[7].Disks)
	servers[7].Disks[1].Speed, servers[7].Disks[1].IOPS = 4, 40
	servers[10].FirmwareVersion = "1.9.0"
	return servers
}

// TestE2EDelivery is a delivery from the vendor's workbook to the certificate, by commands alone: thirteen servers ordered,
// twelve came, four of them with a defect, and each defect is named and nothing else is.
func TestE2EDelivery(t *testing.T) {
	plan := Spec(ordered()...)
	a := Built(t)
	dir := Dir(t, a)
	r := RackUp(t, a, dir, Spec(built(ordered())...))
	t.Cleanup(func() {
		if t.Failed() {
			r.tell(t)
		}
	})
	s := Serve(t, a, r, dir, ServerOptions{Roles: Roles()[:1], Limits: map[string]string{"boot": "15m"}, More: map[string]any{
		"burnin": []map[string]any{{"model": "e9", "tests": []string{"cpu", "memory", "disk"}, "seconds": 16, "memory_percent": 25}},
		// Twelve servers that share two cores of this host do not compute equally fast; their disks have bounds of their own.
		"outliers": []map[string]any{{"metric": "cpu", "tolerance_percent": 95}, {"metric": "cpu.efficiency", "tolerance_percent": 95}, {"metric": "memory", "tolerance_percent": 95},
			{"metric": "disk.read.sequential", "tolerance_percent": 30}, {"metric": "disk.read.random", "tolerance_percent": 30}},
	}})
	files := writeDelivery(t, dir, plan.Servers)

	s.Do(t, "place", "import", files.floor)
	s.Do(t, "delivery", "import", files.orders, "--vendor", "Acme", "--ordered", "2026-11-02")
	s.Do(t, "manifest", "mapping", "put", files.mapping)
	s.Says(t, "13 added", "manifest", "import", files.list, "--mapping", "acme", "--dry-run")
	s.Says(t, "13 added", "manifest", "import", files.list, "--mapping", "acme")
	s.Says(t, "13", "delivery", "show", "PO-4711")
	s.Do(t, "cabling", "import", files.cables)

	s.rackAll(t, "r50", plan.Servers[:12])
	for first := 1; first <= 12; first += 3 {
		s.Do(t, "machine", "inspect", fmt.Sprintf("r50u[%02d-%02d]", first, first+2))
		for u := first; u < first+3; u++ {
			m := s.Await(t, fmt.Sprintf("r50u%02d", u), 15*time.Minute, "is ready", func(m api.Machine) bool { return m.State == "ready" })
			t.Logf("%s is ready", m.Name)
		}
	}
	s.Do(t, "model", "take", "e9", "--from", "r50u01")
	s.wantDefects(t)
	s.wantVerdicts(t)
	s.repair(t, r, dir)
	s.certify(t, dir)
}

// wantDefects wants each of the four defects named, and nothing else.
func (s *Server) wantDefects(t *testing.T) {
	t.Helper()
	want := []string{
		"r50u03 parts missing DIMM B2", // 192 MiB ACM-M192 ordered, the slot is empty
		"r50u05 cabling swapped port 1 and port 2",
		"r50u08 outlier slow disk vdb",
		"r50u11 parts firmware BIOS",
	}
	var got []string
	Until(t, time.Minute, "four defects are found", func() bool {
		out, code := s.CLI(t, "findings", "-o", "json")
		var list api.FindingList
		if err := json.NewDecoder(strings.NewReader(out)).Decode(&list); err != nil || code != 1 { // an error's text is behind it
			t.Fatalf("findings ended with %d, %v:\n%s", code, err, out)
		}
		got = nil
		for _, f := range list.Findings {
			if !f.Minor {
				got = append(got, strings.Join([]string{f.Machine, f.Source, f.Kind, f.Subject}, " "))
			}
		}
		slices.Sort(got)
		return len(got) >= len(want)
	})
	out, _ := s.CLI(t, "findings")
	t.Logf("findings:\n%s", out)
	if !slices.Equal(got, want) {
		t.Errorf("found:\n%s\nwanted:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// rackAll is a technician with a barcode scanner.
func (s *Server) rackAll(t *testing.T, rack string, servers []lab.Server) {
	t.Helper()
	var scans strings.Builder
	for _, m := range servers {
		scans.WriteString(m.Serial + "\n")
	}
	out, code := s.Fed(t, scans.String(), "rack", rack)
	if code != 0 || strings.Count(out, " goes into U") != len(servers) {
		t.Fatalf("racking ended with %d:\n%s", code, out)
	}
}

// wantVerdicts wants the four rejected, the one that never came open, and the others accepted.
func (s *Server) wantVerdicts(t *testing.T) {
	t.Helper()
	out, code := s.CLI(t, "accept", "--rack", "r50", "-o", "json")
	var a api.Acceptance
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&a); err != nil || code != 12 {
		t.Fatalf("accept ended with %d, %v:\n%s", code, err, out)
	}
	if a.Verdict != "rejected" || a.Accepted != 8 || a.Rejected != 4 || a.Open != 1 || a.Waived != 0 {
		out, _ := s.CLI(t, "accept", "--rack", "r50")
		t.Errorf("the rack is\n%s", out)
	}
}

// repair is a technician's work: the DIMM is put in, the plugs are exchanged, the disk is replaced. The firmware stays, and a
// person lets it pass.
func (s *Server) repair(t *testing.T, r *Rack, dir string) {
	t.Helper()
	spec := Spec(built(ordered())...)
	good := Spec(ordered()...)
	for _, i := range []int{2, 4, 7} {
		spec.Servers[i] = good.Servers[i]
	}
	r.Rebuild(t, dir, spec)
	before := map[string]time.Time{}
	names := []string{"r50u03", "r50u05", "r50u08"}
	for _, name := range names {
		m, err := s.API.Machine(t.Context(), name)
		if err != nil || m.FactsAt == nil {
			t.Fatalf("%s: %v", name, err)
		}
		before[name] = *m.FactsAt
	}
	s.Do(t, "machine", "inspect", "r50u[03,05,08]")
	for _, name := range names {
		s.Await(t, name, 15*time.Minute, "is ready again", func(m api.Machine) bool { return m.State == "ready" && m.FactsAt.After(before[name]) })
	}
	s.Do(t, "waiver", "add", "r50u11", "--finding", "parts/firmware/BIOS", "--reason", "update agreed for January")
	Until(t, time.Minute, "all twelve are accepted", func() bool { _, code := s.CLI(t, "accept", "r50u[01-12]"); return code == 0 })
	s.Says(t, "11 accepted, 1 waived, 0 open, 0 rejected", "accept", "r50u[01-12]")
}

// certify issues the certificate, and verifies it as somebody who has nothing but the file and the key.
func (s *Server) certify(t *testing.T, dir string) {
	t.Helper()
	if out, code := s.CLI(t, "certificate", "issue", "--rack", "r50"); code != 5 || !strings.Contains(out, "r50u13: it was never seen") {
		t.Errorf("a rack of which one server never came is certified: %d\n%s", code, out)
	}
	file, key, paper := filepath.Join(dir, "r50.json"), filepath.Join(dir, "socle.pem"), filepath.Join(dir, "r50.pdf")
	s.Says(t, "waived", "certificate", "issue", "r50u[01-12]", "-f", file)
	if err := os.WriteFile(key, []byte(s.Do(t, "certificate", "key")), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	said := run(t, s.program, "certificate", "verify", file, "--key", key)
	if !strings.Contains(said, "12 machines") || strings.Contains(said, "NOT proven") {
		t.Errorf("verify says\n%s", said)
	}
	run(t, s.program, "certificate", "pdf", file, paper)
	text := strings.Join(strings.Fields(run(t, "pdftotext", paper, "-")), " ")
	for _, want := range []string{"Accepted, with waivers", "11 accepted, 1 waived", "ACME0712", "update agreed for January", "M033", "ACD081", "disk.read.random"} {
		if !strings.Contains(text, want) {
			t.Errorf("the paper does not say %q", want)
		}
	}
	s.Start(t) // what stops it at the end wants it to run
}
