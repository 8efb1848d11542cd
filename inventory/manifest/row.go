package manifest

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/sheet"
)

var (
	hostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?$`)
	uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

const maxPassword = 128 // bytes

// fieldReader reads the fields of one line.
type fieldReader struct{ *sheet.Line }

// row reads one server; false when something is wrong with it.
func (f *fieldReader) row() (Row, bool) {
	row := Row{Planned: inventory.Planned{
		Line: f.Number,
		Name: f.Label("name"),
		Identity: inventory.Identity{
			Serial: f.serial(), UUID: f.uuid(), AssetTag: f.Text("asset_tag"), BMCMAC: f.mac("bmc_mac", f.Get("bmc_mac")), NICMACs: f.macs(),
		},
		Place: f.place(),
		BMC:   inventory.BMC{Protocol: f.protocol(), Address: f.address(), User: f.user(), Outlets: f.outlets()},
		Role:  f.Label("role"), Model: f.Text("model"), Delivery: f.Text("delivery"),
	}, Password: f.password()}
	row.BMC.MAC = row.Identity.BMCMAC
	if row.Name == "" && row.Identity.Serial == "" && f.OK() {
		f.Fail("serial", "it is empty, and so is the name: one of both says which server this is")
	}
	f.unique(row)
	if !f.OK() {
		return Row{}, false
	}
	row.Identity = row.Identity.Normalize()
	return row, true
}

func (f *fieldReader) serial() string {
	v := f.Text("serial")
	if v != "" && (inventory.Identity{Serial: v}).Normalize().Serial == "" {
		f.Fail("serial", "%s is what firmware says when nobody set a serial number: write the one on the server's label", sheet.Quote(v))
		return ""
	}
	return v
}

func (f *fieldReader) uuid() string {
	v := strings.ToLower(f.Get("uuid"))
	if v == "" {
		return ""
	}
	if !uuidPattern.MatchString(v) {
		f.Fail("uuid", "%s is no UUID like 12345678-9abc-def0-1234-56789abcdef0", sheet.Quote(v))
	} else if (inventory.Identity{UUID: v}).Normalize().UUID == "" {
		f.Fail("uuid", "%s is what firmware says when nobody set a UUID: leave the field empty", sheet.Quote(v))
	}
	return v
}

func (f *fieldReader) mac(column, text string) string {
	if text == "" {
		return ""
	}
	mac := inventory.NormalizeMAC(text)
	switch {
	case !sheet.IsMAC(strings.ToLower(text)) || mac == "":
		f.Fail(column, "%s is no MAC address like 52:54:00:12:34:56", sheet.Quote(text))
		return ""
	case strings.ContainsRune("13579bdf", rune(mac[1])):
		f.Fail(column, "%s is a multicast address, no network card has it", sheet.Quote(text))
		return ""
	}
	return mac
}

func (f *fieldReader) macs() []string {
	var macs []string
	for _, text := range strings.FieldsFunc(f.Get("nic_macs"), func(c rune) bool { return strings.ContainsRune(";,/|", c) }) {
		if mac := f.mac("nic_macs", strings.TrimSpace(text)); mac != "" {
			macs = append(macs, mac)
		}
	}
	return macs
}

// place is where the server goes.
func (f *fieldReader) place() inventory.Place {
	p := f.Place()
	switch {
	case p.Rack == "" && f.Get("u") != "":
		f.Fail("rack", "it is empty, though there is a u: a place is both")
	case p.Rack != "" && f.Get("u") == "":
		f.Fail("u", "it is empty, though there is a rack: a place is both")
	}
	return p
}

func (f *fieldReader) protocol() inventory.Protocol {
	v := f.NeedWith("bmc_protocol", "bmc_address")
	switch p := inventory.Protocol(strings.ToLower(v)); p {
	case inventory.IPMI, inventory.Redfish, inventory.PDU, inventory.Webhook:
		return p
	case "":
	default:
		f.Fail("bmc_protocol", "%s is not known: write ipmi or redfish, or, for a server without a BMC, pdu or webhook", sheet.Quote(v))
	}
	return ""
}

// address is a host, or a host and a port.
func (f *fieldReader) address() string {
	if f.says(inventory.Webhook) {
		return f.url()
	}
	v := strings.ToLower(f.Get("bmc_address"))
	if v == "" && f.says(inventory.PDU) {
		f.Fail("bmc_address", "it is empty: a PDU has an address")
	}
	if v == "" {
		return ""
	}
	if a, err := netip.ParseAddr(v); err == nil {
		return a.String()
	}
	host, port, ported := v, "", false
	if i := strings.LastIndexByte(v, ':'); i >= 0 {
		host, port, ported = v[:i], v[i+1:], true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	inner, open := strings.CutPrefix(host, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	addr, addrErr := netip.ParseAddr(inner)
	is6 := open && closed && addrErr == nil && addr.Is6()
	switch {
	case ported && (err != nil || n == 0), !is6 && (len(host) > 253 || !hostPattern.MatchString(host)), !is6 && numeric(host) && addrErr != nil:
		f.Fail("bmc_address", "%s is no address: write an IP address or a host name, and a port after a colon if it is not the usual one", sheet.Quote(v))
	}
	return v
}

// numeric tells whether a host looks like an IPv4 address; no domain ends in a number.
func numeric(host string) bool {
	last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]
	return strings.Trim(last, "0123456789.") == ""
}

// password is taken as it stands, with its spaces. No error shows any of it.
func (f *fieldReader) password() secret.Secret {
	v, _ := f.Raw("bmc_password")
	switch {
	case v == "":
		f.NeedWith("bmc_password", "bmc_address")
	case len(v) > maxPassword:
		f.Fail("bmc_password", "it has %d bytes, at most %d are allowed", len(v), maxPassword)
	}
	return f.private(secret.New(v))
}

// unique notes what only one server can have, and complains of what another line has already.
func (f *fieldReader) unique(r Row) {
	f.claim("name", r.Name, "name "+r.Name)
	f.claim("serial", r.Identity.Serial, "serial "+strings.ToLower(r.Identity.Serial))
	for _, what := range r.BMC.Claims() {
		f.Claim(map[bool]string{true: "bmc_outlets", false: "bmc_address"}[r.BMC.Protocol == inventory.PDU], what, what)
	}
	f.claim("bmc_mac", r.Identity.BMCMAC, "MAC "+r.Identity.BMCMAC)
	for _, mac := range r.Identity.NICMACs {
		f.claim("nic_macs", mac, "MAC "+mac)
	}
	f.ClaimPlace(r.Place)
}

func (f *fieldReader) claim(column, value, what string) {
	if value != "" {
		f.Claim(column, what, what)
	}
}
