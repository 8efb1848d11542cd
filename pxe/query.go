package pxe

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"socle/inventory"
)

// maxText is how many bytes of a serial number or asset tag are believed. SMBIOS knows no limit; what is
// longer is no serial number.
const maxText = 128

// maxQuery is more than every honest query needs, all of it escaped.
const maxQuery = 4096

// okUUID tells whether a text is a UUID in lower case.
func okUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if c := s[i]; dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// clientOf reads what iPXE says of the machine in the query of the script's URL. Parts that are not what
// they should be are dropped: the machine is then recognised by the rest, or not at all.
func clientOf(r *http.Request) Client {
	q := parseQuery(r.URL.RawQuery)
	c := Client{
		MAC: inventory.NormalizeMAC(q.mac), Serial: text(q.serial), AssetTag: text(q.asset),
		Arch: archOf(q.platform, q.arch), Addr: remote(r), IPXE: true,
	}
	if uuid := strings.ToLower(q.uuid); okUUID(uuid) {
		c.UUID = uuid
	}
	return c
}

// query are the parts of the URL's query, unescaped.
type query struct{ mac, uuid, arch, platform, serial, asset string }

// parseQuery reads the query as the start script writes it. iPXE of 2019 leaves "&", "+", ";" and "=" of a
// serial number as they are, so that the usual parsing would cut it or let it name further parts. The free
// texts therefore stand last, the serial number ends at the last "&asset=", and the first of two equal
// parts wins.
func parseQuery(raw string) (q query) {
	if len(raw) > maxQuery {
		return q
	}
	if i := strings.LastIndex(raw, "&asset="); i >= 0 {
		put(&q.asset, raw[i+len("&asset="):])
		raw = raw[:i]
	}
	if i := strings.Index(raw, "&serial="); i >= 0 {
		put(&q.serial, raw[i+len("&serial="):])
		raw = raw[:i]
	}
	for part := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "mac":
			put(&q.mac, value)
		case "uuid":
			put(&q.uuid, value)
		case "arch":
			put(&q.arch, value)
		case "platform":
			put(&q.platform, value)
		case "serial":
			put(&q.serial, value)
		case "asset":
			put(&q.asset, value)
		}
	}
	return q
}

// put takes a value, unless there is one already or it cannot be read.
func put(at *string, escaped string) {
	if value, err := url.PathUnescape(escaped); err == nil && *at == "" { // unlike QueryUnescape it leaves "+" alone
		*at = value
	}
}

func text(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// archOf reads iPXE's ${platform} and ${buildarch}.
func archOf(platform, arch string) Arch {
	switch {
	case platform == "pcbios":
		return ArchBIOS
	case platform == "efi" && arch == "x86_64":
		return ArchEFIX64
	case platform == "efi" && arch == "i386":
		return ArchEFI386
	case platform == "efi" && arch == "arm64":
		return ArchEFIARM64
	case platform == "efi" && arch == "arm32":
		return ArchEFIARM32
	default:
		return ArchUnknown
	}
}
