package manifest

import (
	"io"

	"socle/inventory/sheet"
)

// The columns of a manifest. The order in the file is free, and so is the case of their names.
var (
	required = []string{"name", "serial", "rack", "u", "bmc_protocol", "bmc_address", "bmc_user", "bmc_password"}
	optional = []string{"uuid", "asset_tag", "bmc_mac", "nic_macs", "site", "room", "row", "role", "model", "delivery", "height", "face", "depth", "bmc_outlets", "bmc_privacy"}
)

// layout is what a manifest is to be like.
var layout = sheet.Layout{What: "manifest", Rows: "servers", Required: required, Optional: optional, MaxRows: 50_000}

// Error is one thing that is wrong with a manifest, and Errors all that is.
type (
	Error  = sheet.Error
	Errors = sheet.Errors
)

// Parse reads a manifest, see sheet.Read. When anything is wrong the error is of type Errors and has everything that is,
// unless reading itself failed.
func Parse(r io.Reader) ([]Row, error) {
	var rows []Row
	err := sheet.Read(r, layout, func(l *sheet.Line) {
		if row, ok := (&fieldReader{l}).row(); ok {
			rows = append(rows, row)
		}
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}
