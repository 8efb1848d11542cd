// Package smart asks disks how they are: ATA disks by their SMART attributes, NVMe disks by their health log.
package smart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/anatol/smart.go"

	"socle/agent/burnin"
)

// Read asks the disk at a path such as /dev/sda. It is an error when it is no ATA or NVMe disk, or does not answer.
func Read(path string) (burnin.Health, error) {
	if strings.Contains(path, "/nvme") {
		d, err := smart.OpenNVMe(path)
		if err != nil {
			return burnin.Health{}, err
		}
		defer func() { _ = d.Close() }()
		l, err := d.ReadSMART()
		if err != nil {
			return burnin.Health{}, fmt.Errorf("reading the health log of %s: %w", path, err)
		}
		return nvme(l), nil
	}
	d, err := smart.OpenSata(path)
	if err != nil {
		return burnin.Health{}, err
	}
	defer func() { _ = d.Close() }()
	page, err := d.ReadSMARTData()
	if err != nil {
		return burnin.Health{}, fmt.Errorf("reading the SMART attributes of %s: %w", path, err)
	}
	limits, err := d.ReadSMARTThresholds()
	if err != nil {
		limits = &smart.AtaSmartThresholdsPage{} // they are obsolete since ATA-4, and some disks have none
	}
	return ata(page, limits), nil
}

// attributes are those of ATA disks that mean damage, by number. The numbers are no standard; makers agree on these.
var attributes = map[uint8]burnin.HealthValue{
	5:   {Name: "reallocated", Words: "reallocated sectors"},
	187: {Name: "reported-uncorrectable", Words: "errors that could not be corrected"},
	197: {Name: "pending", Words: "sectors that wait to be reallocated"},
	198: {Name: "offline-uncorrectable", Words: "sectors that cannot be read"},
}

// prefail is the flag of an attribute that below its threshold predicts a failure soon.
const prefail = 1

// ata puts the attributes of an ATA disk in words.
func ata(page *smart.AtaSmartPage, limits *smart.AtaSmartThresholdsPage) (h burnin.Health) {
	for id, a := range page.Attrs {
		if v, ok := attributes[id]; ok {
			v.Unit, v.Grows, v.Value = "1", true, float64(a.ValueRaw&0xffffffff) // some makers keep other counters in the upper bytes
			h.Values = append(h.Values, v)
		}
		if limit := limits.Thresholds[id]; limit > 0 && a.Current <= limit && a.Flags&prefail != 0 {
			h.Failing = fmt.Sprintf("attribute %d is %d, and at %d it predicts a failure", id, a.Current, limit)
		}
	}
	slices.SortFunc(h.Values, func(a, b burnin.HealthValue) int { return cmp.Compare(a.Name, b.Name) })
	return h
}

// warnings are the bits of the critical warning (NVMe base specification 2.0, figure 207).
var warnings = []string{"its spare blocks are nearly used up", "", "its reliability is degraded by errors", "it is read-only", "its volatile memory has no backup", "its persistent memory is unreliable"}

// nvme puts the health log of an NVMe disk (log page 02h) in words.
func nvme(l *smart.NvmeSMARTLog) burnin.Health {
	h := burnin.Health{Values: []burnin.HealthValue{
		{Name: "media-errors", Unit: "1", Value: float64(l.MediaErrors.Val[0]), Grows: true, Words: "errors of its media"},
		{Name: "wear", Unit: "%", Value: float64(l.PercentUsed)},
		{Name: "temperature", Unit: "Cel", Value: float64(l.Temperature) - 273}, // told in kelvins
	}}
	var why []string
	for bit, text := range warnings { // bit 1 is the temperature, which is no damage
		if l.CritWarning>>bit&1 == 1 && text != "" {
			why = append(why, text)
		}
	}
	h.Failing = strings.Join(why, ", ")
	return h
}
