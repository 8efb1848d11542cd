package bmc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"

	"socle/inventory"
)

// listener is a session whose controller may tell what it hears at its own network ports.
type listener interface {
	// heard are the neighbours at all of them; none where the controller does not tell.
	heard(ctx context.Context) ([]inventory.Uplink, error)
}

// maxManagerPorts bounds the ports of one controller: most have one or two.
const maxManagerPorts = 8

// managerPort is what is read of a port (DMTF schema Port, Ethernet.LLDPReceive).
type managerPort struct {
	Ethernet struct {
		LLDPReceive struct {
			ChassisID        string `json:"ChassisId"`
			ChassisIDSubtype string `json:"ChassisIdSubtype"`
			PortID           string `json:"PortId"`
			PortIDSubtype    string `json:"PortIdSubtype"`
			SystemName       string
		}
	}
}

// heard implements listener: the ports that the managers have for themselves, then those that they share with the server
// (DMTF schema Manager, DedicatedNetworkPorts and SharedNetworkPorts).
func (r *redfishReader) heard(ctx context.Context) (all []inventory.Uplink, err error) {
	s, err := r.place(ctx)
	if err != nil {
		return nil, err
	}
	if len(s.Links.ManagedBy) == 0 {
		return nil, nil
	}
	var manager struct{ DedicatedNetworkPorts, SharedNetworkPorts link }
	if err := r.get(s.Links.ManagedBy[0].ID, &manager); err != nil {
		return nil, redfishError(ctx, err)
	}
	for _, ports := range []link{manager.DedicatedNetworkPorts, manager.SharedNetworkPorts} {
		if !ports.ok() {
			continue
		}
		members, err := r.collection(ports.ID, maxManagerPorts)
		if absent(err) {
			continue
		}
		if err != nil {
			return nil, redfishError(ctx, err)
		}
		for _, m := range members {
			if n, ok := neighborOf(m); ok {
				all = append(all, n)
			}
		}
	}
	return all, nil
}

// neighborOf reads the neighbour of one port; false when nothing is heard that says where the cable ends.
func neighborOf(port json.RawMessage) (inventory.Uplink, bool) {
	var p managerPort
	if json.Unmarshal(port, &p) != nil {
		return inventory.Uplink{}, false
	}
	l := p.Ethernet.LLDPReceive
	n := inventory.Uplink{ChassisID: lldpID(l.ChassisID, l.ChassisIDSubtype), PortID: lldpID(l.PortID, l.PortIDSubtype), SystemName: clean(l.SystemName)}
	return n, n.PortID != "" && (n.ChassisID != "" || n.SystemName != "")
}

// octets is an identifier as the schema wants it: "65:74:68:31".
var octets = regexp.MustCompile(`^[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2})*$`)

// lldpID reads an identifier. The schema wants octets; where they are text, it is the text that other listeners tell, and
// some controllers send it as such. A MAC address stays one.
func lldpID(id, subtype string) string {
	if mac := inventory.NormalizeMAC(id); mac != "" && (strings.EqualFold(subtype, "MacAddr") || subtype == "") {
		return mac
	}
	if octets.MatchString(id) && len(id) > 2 && !strings.EqualFold(subtype, "MacAddr") {
		b, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(id))
		if err == nil && isText(b) {
			return clean(string(b))
		}
	}
	return clean(id)
}

// isText tells whether octets are a text of ASCII.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
