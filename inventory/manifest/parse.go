package manifest

import (
	"io"

	"socle/inventory/sheet"
)

// Layout is what a manifest is to be like. A server is found by its serial or its name; everything else can come with a
// later manifest.
func Layout() sheet.Layout {
	return sheet.Layout{
		What: "manifest", Rows: "servers",
		AnyOf: []string{"serial", "name"},
		Optional: []string{
			"rack", "u", "bmc_protocol", "bmc_address", "bmc_user", "bmc_password",
			"uuid", "asset_tag", "bmc_mac", "nic_macs", "site", "room", "row", "role", "model", "delivery", "height", "face", "depth", "bmc_outlets", "bmc_privacy",
		},
		Lists:   map[string]string{"nic_macs": ";", "bmc_outlets": ";"},
		Secret:  []string{"bmc_password", "bmc_privacy"},
		MaxRows: 50_000,
	}
}

// Errors is all that is wrong with a manifest.
type Errors = sheet.Errors

// Parse reads a manifest from a CSV file: see Read.
func Parse(r io.Reader) ([]Row, error) { return Read(sheet.CSV(r), nil) }

// Read reads a manifest, see sheet.ReadFrom. When anything is wrong the error is of type Errors and has everything that
// is, unless reading itself failed.
func Read(src sheet.Source, m *sheet.Mapping) ([]Row, error) {
	var rows []Row
	err := sheet.ReadFrom(src, m, Layout(), func(l *sheet.Line) {
		if row, ok := (&fieldReader{l}).row(); ok {
			rows = append(rows, row)
		}
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}
