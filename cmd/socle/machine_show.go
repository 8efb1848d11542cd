package main

import (
	"fmt"
	"strings"
	"time"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

// showMachine writes one machine as a list of names and values.
func showMachine(m api.Machine, row func(...string)) {
	field := func(name, value string) {
		if value != "" {
			row(name, value)
		}
	}
	field("name", m.Name)
	field("state", m.State+" for "+since(m.Since))
	field("step", stepText(m))
	field("role", m.Role)
	field("wanted", m.Intent)
	if m.Fault != nil {
		field("fault", fmt.Sprintf("%s: %s (%s)", m.Fault.Kind, m.Fault.Reason, inventory.Plural(m.Fault.Count, "time")))
		field("remedy", m.Fault.Remedy)
	}
	if m.Hold != nil {
		field("held", m.Hold.Reason+", by "+m.Hold.Actor)
	}
	field("serial", m.Serial)
	field("uuid", m.UUID)
	field("asset tag", m.AssetTag)
	field("model", m.Model)
	field("delivery", m.Delivery)
	field("lacks", strings.Join(m.Lacks, ", "))
	field("place", strings.Trim(strings.Join([]string{m.Place.Site, m.Place.Room, m.Place.Row, placeText(m.Place)}, " "), " "))
	field("power", m.Power)
	showWish(m.Wish, field)
	field("next boot", m.Boot)
	if m.Medium != nil {
		field("boots by", mediumText(*m.Medium))
	}
	field("address", m.Address)
	field("macs", strings.Join(m.NICMACs, " "))
	if m.BMC != nil {
		field("bmc", strings.TrimSpace(m.BMC.Protocol+" "+m.BMC.Address+" "+m.BMC.MAC))
		field("outlets", strings.Join(m.BMC.Outlets, ", "))
		if m.BMC.User != "" {
			field("bmc login", m.BMC.User+", of the "+m.BMC.Origin)
		}
		if m.BMC.Rotation != "" {
			field("", m.BMC.Rotation)
		}
		field("bmc certificate", m.BMC.Certificate)
	}
	if !m.InPlan {
		field("plan", "in no manifest")
	}
	showDeployed(m, field)
	for _, p := range m.Timing {
		text := (time.Duration(p.Seconds*1000) * time.Millisecond).Round(100 * time.Millisecond).String()
		if p.Wire > 0 {
			text += ", " + hardware.Size(uint64(p.Wire)) + " over the wire"
		}
		field("time "+p.Name, text)
	}
	if m.Facts != nil {
		showFacts(*m.Facts, field)
	}
}

// mediumText says how a machine boots by virtual media, and what is left of that.
func mediumText(w api.MachineMedium) string {
	text := "network"
	if w.Wanted {
		text = strings.TrimSpace("virtual media " + w.Address)
	}
	if w.In != nil {
		text += ", a medium may be in its drive since " + since(*w.In)
	}
	if w.Stuck != "" {
		text += ": " + w.Stuck
	}
	return text
}

func showDeployed(m api.Machine, field func(name, value string)) {
	if m.Deployed == nil {
		return
	}
	field("image", m.Deployed.Image)
	field("system disk", m.Deployed.Disk)
	for _, d := range m.Deployed.DataDisks {
		field("data disk", fmt.Sprintf("%s %s %s", d.Serial, d.Label, hardware.Size(d.SizeBytes)))
	}
	for _, e := range m.Deployed.Evidence {
		field("verified", e)
	}
}

func showFacts(f hardware.Facts, field func(name, value string)) {
	field("system", strings.TrimSpace(f.System.Manufacturer+" "+f.System.Product))
	field("firmware", strings.Join(strings.Fields(f.Firmware.Mode+" "+f.Firmware.Vendor+" "+f.Firmware.Version), " "))
	for _, c := range f.CPUs {
		field("cpu", fmt.Sprintf("%s, %d cores, %d threads", c.Model, c.Cores, c.Threads))
	}
	field("memory", hardware.Size(f.Memory.TotalBytes))
	for _, d := range f.Disks {
		field("disk "+d.Name, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", hardware.Size(d.SizeBytes), d.Transport, d.Serial, d.Model, d.Contents)), " "))
	}
	for _, n := range f.NICs {
		link := "no link"
		if n.Link {
			link = fmt.Sprintf("%d Mbit/s", n.SpeedMbps)
		}
		text := n.MAC + ", " + link
		for _, l := range n.LLDP {
			text += fmt.Sprintf(", at %s %s", l.SystemName, l.PortID)
		}
		field("nic "+n.Name, text)
	}
	if b := f.BMC; b != nil {
		vlan := ""
		if b.VLAN > 0 {
			vlan = fmt.Sprintf("VLAN %d", b.VLAN)
		}
		field("bmc inside", strings.Join(strings.Fields(strings.Join([]string{b.Vendor, b.Version, b.Address, b.Source, b.MAC, vlan}, " ")), " "))
	}
	for _, p := range f.Problems {
		field("problem", p)
	}
}

// showWish says how the power is wanted, when it is not, or when something else than usual is done about it.
func showWish(w *api.PowerWish, field func(name, value string)) {
	if w == nil {
		return
	}
	if w.Power != "unknown" && w.Since != nil {
		field("power wanted", w.Power+" by "+w.Actor+" for "+since(*w.Since))
	}
	field("power drift", w.Drift)
	if w.Next != nil {
		field("set back", w.Next.Local().Format(time.DateTime))
	}
	field("power policy", w.Policy)
}
