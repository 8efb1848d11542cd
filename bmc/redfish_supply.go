package bmc

import (
	"cmp"
	"encoding/json"

	"socle/inventory"
)

// maxSupplies bounds the power supplies of one server.
const maxSupplies = 32

// supplyDoc is what a power supply is: in DMTF's schema Power (PowerSupplies) and in PowerSupply of 2020 alike.
type supplyDoc struct {
	Name                                          string
	Manufacturer, Model, PartNumber, SerialNumber label
	PowerCapacityWatts                            number
	Status                                        statusObject
}

// label is a text that is good to have: when it is no text, nothing else is lost for it.
type label string

// UnmarshalJSON implements json.Unmarshaler. What is no text is none.
func (l *label) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*l = label(text)
	}
	return nil
}

// powerSupplies implements powered.
func (r *redfishReader) powerSupplies() []inventory.Supply { return r.psus }

// addSupply notes a power supply or its empty bay. How it is doing is left to the sensors, which tell it anew at each look.
func (r *redfishReader) addSupply(d supplyDoc, number string) {
	p := inventory.Supply{Bay: clean(cmp.Or(d.Name, number)), Present: d.Status.State != "Absent"}
	if p.Bay == "" || len(r.psus) == maxSupplies {
		return
	}
	if p.Present {
		p.Model, p.Vendor, p.PartNumber, p.Serial = clean(string(d.Model)), clean(string(d.Manufacturer)), clean(string(d.PartNumber)), clean(string(d.SerialNumber))
		if w := d.PowerCapacityWatts.value; w != nil && *w > 0 && *w < 1e6 {
			p.Watts = int(*w)
		}
	}
	r.psus = append(r.psus, p)
}
