package hardware

import "slices"

// ToldByBMC is the source of a power supply that the firmware does not list.
const ToldByBMC = "bmc"

// PSU is a power supply, or the bay of one, as the firmware lists it (SMBIOS type 39, DSP0134 section 7.40), or as the BMC does (DMTF
// schemas Power and PowerSupply).
type PSU struct {
	Locator    string `json:"locator,omitempty"`
	Name       string `json:"name,omitempty"`
	Vendor     string `json:"vendor,omitempty"`
	PartNumber string `json:"part_number,omitempty"`
	Serial     string `json:"serial,omitempty"`
	Watts      int    `json:"watts,omitempty"` // the most that it gives; 0: not known
	Present    bool   `json:"present"`
	Health     string `json:"health,omitempty"` // "ok", "non-critical", "critical"; empty: not known
	Source     string `json:"source,omitempty"` // who told of it: "bmc"; empty: the firmware
}

// TakePSUs takes in what the BMC tells of power supplies, unless the firmware lists them itself, and says whether that is anything new. A
// BMC that tells of none at all changes nothing: its server runs, so it has some.
func (f *Facts) TakePSUs(told []PSU) bool {
	if len(told) == 0 || len(f.PSUs) > 0 && f.PSUs[0].Source != ToldByBMC || slices.Equal(f.PSUs, told) {
		return false
	}
	f.PSUs = slices.Clone(told)
	return true
}
