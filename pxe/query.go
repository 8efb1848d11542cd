package pxe

import (
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"socle/inventory"
)

// maxText is how many bytes of a serial number or asset tag are believed. SMBIOS knows no limit; what is
// longer is no serial number.
const maxText = 128

var okUUID = regexp.MustCompile(`^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`)

// clientOf reads what iPXE says of the machine in the query of the script's URL. Parts that are not what
// they should be are dropped: the machine is then recognised by the rest, or not at all.
func clientOf(r *http.Request) Client {
	q := r.URL.Query()
	c := Client{
		MAC: inventory.NormalizeMAC(first(q, "mac")), Serial: text(first(q, "serial")), AssetTag: text(first(q, "asset")),
		Arch: archOf(first(q, "platform"), first(q, "arch")), Addr: remote(r), IPXE: true,
	}
	if uuid := strings.ToLower(first(q, "uuid")); okUUID.MatchString(uuid) {
		c.UUID = uuid
	}
	return c
}

func first(q map[string][]string, key string) string {
	if v := q[key]; len(v) > 0 && len(v[0]) <= 4*maxText {
		return v[0]
	}
	return ""
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
