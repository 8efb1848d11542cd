package simulate

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Plan writes what a buyer of the fleet would have, and what is needed to serve it, into a folder: manifest.csv, racks.csv,
// cabling.csv, socle.yaml, and odd.csv, which tells what is wrong with which server and is no part of the story.
func (f *Fleet) Plan(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of the plan: %w", err)
	}
	for name, text := range map[string][]byte{
		"manifest.csv": f.Manifest(), "racks.csv": f.racks(), "cabling.csv": f.cabling(), "odd.csv": f.odd(), "socle.yaml": f.config(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("writing the plan: %w", err)
		}
	}
	return nil
}

// Manifest is the delivery manifest of the fleet (docs/manifest.md).
func (f *Fleet) Manifest() []byte {
	rows := [][]string{{"name", "serial", "rack", "u", "height", "bmc_protocol", "bmc_address", "bmc_user", "bmc_password", "bmc_mac", "nic_macs", "uuid", "model", "delivery"}}
	for i := range f.Servers {
		s := &f.Servers[i]
		rows = append(rows, []string{s.Name, s.Serial, s.Rack, strconv.Itoa(s.U), "1", "redfish", s.BMC.String(), bmcUser, bmcPassword.Reveal(),
			s.BMCMAC, strings.Join(s.MACs, ";"), s.UUID, Model, fmt.Sprintf("simulated-%d", f.Seed)})
	}
	return table(rows)
}

// racks is the floor plan (docs/places.md): the racks, and in each its switches above the servers.
func (f *Fleet) racks() []byte {
	rows := [][]string{{"kind", "name", "rack", "u", "height", "feed_a", "feed_b"}}
	for i := 0; i < len(f.Servers); i += perRack {
		s := &f.Servers[i]
		rows = append(rows, []string{"rack", s.Rack, "", "", strconv.Itoa(perRack + nics), s.Rack + "-feed-a", s.Rack + "-feed-b"})
		for n, c := range s.Cables {
			rows = append(rows, []string{"switch", c.Switch, s.Rack, strconv.Itoa(perRack + 1 + n), "1", "", ""})
		}
	}
	return table(rows)
}

// cabling is the plan of the cables, as they should be.
func (f *Fleet) cabling() []byte {
	rows := [][]string{{"server", "port", "switch", "switch_port"}}
	for i := range f.Servers {
		for _, c := range f.Servers[i].Cables {
			rows = append(rows, []string{f.Servers[i].Name, c.NIC, c.Switch, c.Port})
		}
	}
	return table(rows)
}

func (f *Fleet) odd() []byte {
	rows := [][]string{{"server", "serial", "oddity", "meaning"}}
	for i := range f.Servers {
		if s := &f.Servers[i]; s.Odd != None {
			rows = append(rows, []string{s.Name, s.Serial, string(s.Odd), s.Odd.Meaning()})
		}
	}
	return table(rows)
}

func table(rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(rows) // a buffer takes all
	return b.Bytes()
}

// config is what a server needs to serve the fleet from this host.
func (f *Fleet) config() []byte {
	first, last := f.Pool()
	return fmt.Appendf(nil, `# socle serve --config socle.yaml, while socle simulate run holds the cable.
subnets:
- name: simulated-cable          # where the relay's packets come from
  interface: %s
  server: %s
  prefix: %s
  mode: reservations
- name: simulated
  server: %s
  prefix: %s
  gateway: %s
  pool_first: %s
  pool_last: %s
  lease_time: 1h
`, CableName, f.Host(), f.Cable(), f.Host(), f.Provisioning(), f.Relay(), first, last)
}
