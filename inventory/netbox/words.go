package netbox

import (
	"regexp"
	"strings"
)

// colours are the names of NetBox's colours (ColorChoices of netbox/netbox/choices.py), in lower case.
var colours = [][2]string{
	{"dark red", "aa1409"}, {"red", "f44336"}, {"pink", "e91e63"}, {"rose", "ffe4e1"}, {"fuchsia", "ff66ff"}, {"purple", "9c27b0"}, {"dark purple", "673ab7"},
	{"indigo", "3f51b5"}, {"blue", "2196f3"}, {"light blue", "03a9f4"}, {"cyan", "00bcd4"}, {"teal", "009688"}, {"aqua", "00ffff"}, {"dark green", "2f6a31"},
	{"green", "4caf50"}, {"light green", "8bc34a"}, {"lime", "cddc39"}, {"yellow", "ffeb3b"}, {"amber", "ffc107"}, {"orange", "ff9800"}, {"dark orange", "ff5722"},
	{"brown", "795548"}, {"light grey", "c0c0c0"}, {"grey", "9e9e9e"}, {"dark grey", "607d8b"}, {"black", "111111"}, {"white", "ffffff"},
}

var hex = regexp.MustCompile(`^[0-9a-f]{6}$`)

// colourName is a colour in words, one without a name as #rrggbb.
func colourName(code string) string {
	code = strings.ToLower(code)
	for _, c := range colours {
		if c[1] == code {
			return c[0]
		}
	}
	if hex.MatchString(code) {
		return "#" + code
	}
	return code
}

// colourCode is the code of a colour; false of a word that has none, or that would not come back the same.
func colourCode(name string) (string, bool) {
	for _, c := range colours {
		if c[0] == name {
			return c[1], true
		}
	}
	code, ok := strings.CutPrefix(name, "#")
	return code, ok && hex.MatchString(code) && colourName(code) == name
}

var length = regexp.MustCompile(`^([0-9]{1,6}(?:\.[0-9]{1,2})?) (km|m|cm|mi|ft|in)$`)

// lengthParts are the number and the unit of a length; false of one that NetBox has no number for.
func lengthParts(text string) (number, unit string, ok bool) {
	m := length.FindStringSubmatch(text)
	if m == nil || lengthOf(record{fields: map[string]string{"length": m[1], "length_unit": m[2]}}) != text {
		return "", "", false
	}
	return m[1], m[2], true
}

// speeds are the types of interfaces that a speed in Mbit/s is taken for: up to 10GBASE-T the twisted pair is the usual
// one of servers below 10 Gbit/s, above it the cage that most cards of that speed have (InterfaceTypeChoices of
// netbox/dcim/choices.py).
var speeds = []struct {
	mbps int
	kind string
}{
	{100, "100base-tx"}, {1000, "1000base-t"}, {2500, "2.5gbase-t"}, {5000, "5gbase-t"}, {10000, "10gbase-x-sfpp"}, {25000, "25gbase-x-sfp28"},
	{40000, "40gbase-x-qsfpp"}, {50000, "50gbase-x-sfp56"}, {100000, "100gbase-x-qsfp28"}, {200000, "200gbase-x-qsfp56"}, {400000, "400gbase-x-qsfpdd"},
}

// interfaceType is the type of an interface of this speed; "other" of any other.
func interfaceType(mbps int) string {
	for _, s := range speeds {
		if s.mbps == mbps {
			return s.kind
		}
	}
	return "other"
}

// slug is a name as NetBox's addresses have it.
func slug(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := strings.TrimSuffix(b.String(), "-")
	if s == "" {
		return "x"
	}
	return s
}
