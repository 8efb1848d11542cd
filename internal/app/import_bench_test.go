package app

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"socle/api"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/cabling"
	"socle/inventory/netbox"
	"socle/inventory/store"
	"socle/provision"
)

// shipment is how many servers the benchmark imports.
const shipment = 2000

// shipmentRows is a manifest of as many servers, its header first.
func shipmentRows() [][]string {
	rows := [][]string{{"name", "serial", "site", "rack", "u", "bmc_protocol", "bmc_address", "bmc_user", "bmc_password", "bmc_mac", "nic_macs", "model", "delivery"}}
	for i := range shipment {
		rows = append(rows, []string{
			fmt.Sprintf("r%02du%02d", i/40, i%40+1), fmt.Sprintf("SN%06d", i), "ams1", fmt.Sprintf("r%02d", i/40), fmt.Sprint(i%40 + 1), "redfish", fmt.Sprintf("198.18.%d.%d", i/200, i%200+1), "root", fmt.Sprintf("factory-%06d", i),
			fmt.Sprintf("d0:94:66:00:%02x:%02x", i/256, i%256), fmt.Sprintf("d0:94:66:01:%02x:%02x;d0:94:66:02:%02x:%02x", i/256, i%256, i/256, i%256), "r650", "PO-4711",
		})
	}
	return rows
}

func asCSV(rows [][]string) []byte {
	var b bytes.Buffer
	for _, r := range rows {
		b.WriteString(strings.Join(r, ",") + "\n")
	}
	return b.Bytes()
}

func asXLSX(b *testing.B, rows [][]string) []byte {
	f := excelize.NewFile()
	for i, r := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		need(b, err)
		need(b, f.SetSheetRow("Sheet1", cell, &r))
	}
	var out bytes.Buffer
	need(b, f.Write(&out))
	return out.Bytes()
}

// asNetBox is what NetBox has of them: racks, devices, interfaces and two cables each.
func asNetBox(b *testing.B, rows [][]string) []byte {
	var s netbox.Snapshot
	for i, r := range rows[1:] {
		m := inventory.Machine{Name: r[0], State: inventory.Expected, Model: "r650", Place: inventory.Place{Site: "ams1", Rack: r[3], U: i%40 + 1}, Identity: inventory.Identity{Serial: r[1], BMCMAC: r[9], NICMACs: strings.Split(r[10], ";")}}
		s.Machines = append(s.Machines, m)
		for n := range 2 {
			s.Cables = append(s.Cables, cabling.Cable{Server: r[0], Port: m.Identity.NICMACs[n], Switch: fmt.Sprintf("leaf-%s-%d", r[3], n), SwitchPort: fmt.Sprintf("Ethernet1/%d", i%40+1)})
		}
		if i%40 == 0 {
			s.Fixtures = append(s.Fixtures, inventory.Fixture{Kind: inventory.RackFixture, Name: r[3], Place: inventory.Place{Site: "ams1", Rack: r[3], Height: 42}})
		}
	}
	files, err := netbox.Export(s, false)
	need(b, err)
	archive, err := netbox.Pack(files)
	need(b, err)
	return archive
}

func need(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// shipmentStore is an empty store whose changes queue work, as those of a server do.
func shipmentStore(b *testing.B, url string) *store.Store {
	keys, err := secret.Open(filepath.Join(b.TempDir(), "keys"))
	need(b, err)
	s, err := store.Open(b.Context(), store.Options{URL: url, Keys: keys})
	need(b, err)
	b.Cleanup(func() { _ = s.Close() })
	key, err := s.Key(b.Context(), "boot-tokens")
	need(b, err)
	_, err = provision.New(b.Context(), provision.Options{Store: s, BootKey: key})
	need(b, err)
	return s
}

// bulk loads the same lines as they are into a table without any rule, by the database's own tool.
func bulk(b *testing.B, engine, url, csv string) time.Duration {
	columns := strings.ReplaceAll(strings.Join(shipmentRows()[0], " text, "), "\n", "") + " text"
	cmd := exec.CommandContext(b.Context(), "sqlite3", url, "create table plain("+columns+")", ".import --csv --skip 1 "+csv+" plain")
	if engine == "postgres" {
		cmd = exec.CommandContext(b.Context(), "psql", url, "-qc", "create table plain("+columns+")", "-c", `\copy plain from '`+csv+`' csv header`)
	}
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return time.Since(began)
}

// BenchmarkImport2000 imports 2,000 servers, checked, compared, with sealed passwords, history and queued work, into an
// empty store, and the same again; beside it, in turns, sqlite3's .import or psql's \copy puts the lines of the CSV file into
// a bare table. "x-bulk" is how many times longer ours takes than that.
func BenchmarkImport2000(b *testing.B) {
	rows := shipmentRows()
	plain := filepath.Join(b.TempDir(), "plain.csv")
	need(b, os.WriteFile(plain, asCSV(rows), 0o600))
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, format := range []struct {
			name string
			file []byte
		}{{"csv", asCSV(rows)}, {"xlsx", asXLSX(b, rows)}, {"netbox", asNetBox(b, rows)}} {
			b.Run(engine+"/"+format.name, func(b *testing.B) {
				var ours, again, theirs time.Duration
				for b.Loop() {
					url := func(name string) string {
						if engine == "postgres" {
							return pgtest.URL(b)
						}
						return filepath.Join(b.TempDir(), name)
					}
					s := shipmentStore(b, url("socle.db"))
					theirs += bulk(b, engine, url("plain.db"), plain)
					first, second := importTwice(b, s, format.name, format.file)
					ours, again = ours+first, again+second
				}
				b.ReportMetric(ours.Seconds()/float64(b.N), "s/import")
				b.ReportMetric(again.Seconds()/float64(b.N), "s/again")
				b.ReportMetric(theirs.Seconds()/float64(b.N), "s/bulk")
				b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-bulk")
			})
		}
	}
}

// importTwice imports a file, and again, and says how long each took.
func importTwice(b *testing.B, s *store.Store, format string, file []byte) (first, second time.Duration) {
	for i, took := range []*time.Duration{&first, &second} {
		began := time.Now()
		var added, changed int
		if format == "netbox" {
			r, err := (&exchange{s, nil}).ImportNetBox(b.Context(), "bench", file, api.NetBoxOptions{})
			need(b, err)
			added, changed = r.Machines.Added, len(r.Machines.Changes)+len(r.Places.Changes)+len(r.Cables.Changes)
		} else {
			r, err := importer{s}.Import(b.Context(), "bench", file, api.ImportOptions{})
			need(b, err)
			added, changed = len(r.Added), len(r.Changes)
		}
		*took = time.Since(began)
		if want := []int{shipment, 0}[i]; added != want || i == 1 && changed != 0 {
			b.Fatalf("import %d added %d, and changed %d in all", i+1, added, changed)
		}
	}
	return first, second
}
