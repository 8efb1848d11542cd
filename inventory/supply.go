package inventory

import "socle/hardware"

// Supply is a power supply, or its empty bay, as a BMC tells of it (DMTF schemas Power and PowerSupply).
type Supply struct {
	Bay        string `json:"bay"`
	Model      string `json:"model,omitempty"`
	Vendor     string `json:"vendor,omitempty"`
	PartNumber string `json:"part_number,omitempty"`
	Serial     string `json:"serial,omitempty"`
	Watts      int    `json:"watts,omitempty"` // the most that it gives; 0: not known
	Present    bool   `json:"present"`
}

// PSUs are supplies as facts have them.
func PSUs(told []Supply) (all []hardware.PSU) {
	for _, s := range told {
		all = append(all, hardware.PSU{Locator: s.Bay, Name: s.Model, Vendor: s.Vendor, PartNumber: s.PartNumber, Serial: s.Serial,
			Watts: s.Watts, Present: s.Present, Source: hardware.ToldByBMC})
	}
	return all
}
