package manifest

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"socle/internal/secret"
	"socle/inventory"
)

var (
	// labelPattern is a host name's label (RFC 1123 section 2.1).
	labelPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	hostPattern  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?$`)
	uuidPattern  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	// macPattern takes aa:bb:cc:dd:ee:ff, aa-bb-…, aabbccddeeff and aabb.ccdd.eeff.
	macPattern = regexp.MustCompile(`^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|[0-9a-f]{12}|[0-9a-f]{4}(\.[0-9a-f]{4}){2})$`)
)

const (
	maxText     = 64 // characters of a free text
	maxPassword = 128
	maxU        = 60
)

// fieldReader reads the fields of one line and notes what is wrong with them.
type fieldReader struct {
	p      *parser
	line   int
	values map[string]string
	ok     bool
}

// row reads one server.
func (p *parser) row(fields []string) {
	f := &fieldReader{p: p, line: p.lines.number, values: map[string]string{}, ok: true}
	for i, name := range p.header {
		if name != "" {
			f.values[name] = fields[i]
		}
	}
	row := Row{Planned: inventory.Planned{
		Line: f.line,
		Name: f.label("name"),
		Identity: inventory.Identity{
			Serial: f.serial(), UUID: f.uuid(), AssetTag: f.text("asset_tag"), BMCMAC: f.mac("bmc_mac", f.get("bmc_mac")), NICMACs: f.macs(),
		},
		Place: f.place(),
		BMC:   inventory.BMC{Protocol: f.protocol(), Address: f.address(), User: f.user(), Outlets: f.outlets()},
		Role:  f.label("role"), Model: f.text("model"), Delivery: f.text("delivery"),
	}, Password: f.password()}
	row.BMC.MAC = row.Identity.BMCMAC
	f.unique(row)
	if f.ok {
		row.Identity = row.Identity.Normalize()
		p.rows = append(p.rows, row)
	}
}

func (f *fieldReader) fail(column, format string, args ...any) {
	f.ok = false
	f.p.errs.add(f.line, column, format, args...)
}

// get returns a field without the spaces around it.
func (f *fieldReader) get(column string) string { return strings.TrimSpace(f.values[column]) }

// need is get for a column that must not be empty. A column that is missing altogether was reported once.
func (f *fieldReader) need(column string) string {
	v := f.get(column)
	if _, there := f.values[column]; !there {
		f.ok = false
	} else if v == "" {
		f.fail(column, "it is empty")
	}
	return v
}

func isRequired(column string) bool {
	for _, r := range required {
		if r == column {
			return true
		}
	}
	return false
}

// text is a short text of any kind.
func (f *fieldReader) text(column string) string {
	v := f.get(column)
	if isRequired(column) {
		v = f.need(column)
	}
	if n := len([]rune(v)); n > maxText {
		f.fail(column, "it has %d characters, at most %d are allowed", n, maxText)
	}
	return v
}

// label is a name that can be part of a host name.
func (f *fieldReader) label(column string) string {
	v := f.get(column)
	if isRequired(column) {
		v = f.need(column)
	}
	v = strings.ToLower(v)
	if v != "" && !labelPattern.MatchString(v) {
		f.fail(column, "%s is not made of a-z, 0-9 and - (at most 63 characters, no - at an end)", quote(v))
	}
	return v
}

func (f *fieldReader) serial() string {
	v := f.text("serial")
	if v != "" && (inventory.Identity{Serial: v}).Normalize().Serial == "" {
		f.fail("serial", "%s is what firmware says when nobody set a serial number: write the one on the server's label", quote(v))
		return ""
	}
	return v
}

func (f *fieldReader) uuid() string {
	v := strings.ToLower(f.get("uuid"))
	if v == "" {
		return ""
	}
	if !uuidPattern.MatchString(v) {
		f.fail("uuid", "%s is no UUID like 12345678-9abc-def0-1234-56789abcdef0", quote(v))
	} else if (inventory.Identity{UUID: v}).Normalize().UUID == "" {
		f.fail("uuid", "%s is what firmware says when nobody set a UUID: leave the field empty", quote(v))
	}
	return v
}

func (f *fieldReader) mac(column, text string) string {
	if text == "" {
		return ""
	}
	mac := inventory.NormalizeMAC(text)
	switch {
	case !macPattern.MatchString(strings.ToLower(text)) || mac == "":
		f.fail(column, "%s is no MAC address like 52:54:00:12:34:56", quote(text))
		return ""
	case strings.ContainsRune("13579bdf", rune(mac[1])):
		f.fail(column, "%s is a multicast address, no network card has it", quote(text))
		return ""
	}
	return mac
}

func (f *fieldReader) macs() []string {
	var macs []string
	for _, text := range strings.Split(f.get("nic_macs"), ";") {
		if mac := f.mac("nic_macs", strings.TrimSpace(text)); mac != "" {
			macs = append(macs, mac)
		}
	}
	return macs
}

// place is where the server goes.
func (f *fieldReader) place() inventory.Place {
	p := inventory.Place{Site: f.text("site"), Room: f.text("room"), Row: f.text("row"), Rack: f.text("rack"), U: f.unit()}
	if v := f.get("height"); v != "" {
		h, err := strconv.Atoi(v)
		if err != nil || h < 1 || p.U+h-1 > maxU {
			f.fail("height", "%s is no height in U: write a number from 1, so that the server ends at U %d at most", quote(v), maxU)
		}
		p.Height = h
	}
	switch v := strings.ToLower(f.get("face")); v {
	case "", inventory.Front, inventory.Rear:
		p.Face = v
	default:
		f.fail("face", "%s is no face of a rack: write front or rear", quote(v))
	}
	switch v := strings.ToLower(f.get("depth")); v {
	case "", "full":
	case "half":
		p.HalfDepth = true
	default:
		f.fail("depth", "%s is no depth: write full or half", quote(v))
	}
	return p
}

func (f *fieldReader) unit() int {
	v := f.need("u")
	if v == "" {
		return 0
	}
	u, err := strconv.Atoi(v)
	if err != nil || u < 1 || u > maxU {
		f.fail("u", "%s is no height unit: write a number from 1 (the lowest) to %d", quote(v), maxU)
		return 0
	}
	return u
}

func (f *fieldReader) protocol() inventory.Protocol {
	v := f.need("bmc_protocol")
	switch p := inventory.Protocol(strings.ToLower(v)); p {
	case inventory.IPMI, inventory.Redfish, inventory.PDU, inventory.Webhook:
		return p
	case "":
	default:
		f.fail("bmc_protocol", "%s is not known: write ipmi or redfish, or, for a server without a BMC, pdu or webhook", quote(v))
	}
	return ""
}

// address is a host, or a host and a port.
func (f *fieldReader) address() string {
	if f.says(inventory.Webhook) {
		return f.url()
	}
	v := strings.ToLower(f.need("bmc_address"))
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
		f.fail("bmc_address", "%s is no address: write an IP address or a host name, and a port after a colon if it is not the usual one", quote(v))
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
	v, there := f.values["bmc_password"]
	switch {
	case !there:
		f.ok = false
	case v == "":
		f.fail("bmc_password", "it is empty")
	case len(v) > maxPassword:
		f.fail("bmc_password", "it has %d bytes, at most %d are allowed", len(v), maxPassword)
	}
	return f.private(secret.New(v))
}

// unique notes what only one server can have, and complains of what another line has already.
func (f *fieldReader) unique(r Row) {
	f.claim("name", r.Name, "name "+r.Name)
	f.claim("serial", r.Identity.Serial, "serial "+strings.ToLower(r.Identity.Serial))
	for _, what := range r.BMC.Claims() {
		f.claimAs(map[bool]string{true: "bmc_outlets", false: "bmc_address"}[r.BMC.Protocol == inventory.PDU], what, what)
	}
	f.claim("bmc_mac", r.Identity.BMCMAC, "MAC "+r.Identity.BMCMAC)
	for _, mac := range r.Identity.NICMACs {
		f.claim("nic_macs", mac, "MAC "+mac)
	}
	for _, unit := range r.Place.Claims() {
		if !f.claimAs("u", strings.ToLower(unit), unit) {
			break // one is enough to say
		}
	}
}

func (f *fieldReader) claim(column, value, what string) {
	if value != "" {
		f.claimAs(column, what, what)
	}
}

// claimAs tells whether nobody else has it.
func (f *fieldReader) claimAs(column, key, what string) bool {
	if line, taken := f.p.seen[key]; taken {
		f.fail(column, "%s is that of line %d too", cut(what), line)
		return false
	}
	f.p.seen[key] = f.line
	return true
}

// quote shows a value from the file in an error: escaped, and not all of a long one.
func quote(v string) string { return strconv.Quote(cut(v)) }

func cut(v string) string {
	if r := []rune(v); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return v
}
