package bmc

import (
	"strings"
	"testing"
	"unicode/utf8"

	"socle/internal/secret"
	"socle/inventory"
)

func TestAddress(t *testing.T) {
	for _, c := range []struct{ text, host, port string }{
		{"10.0.0.1", "10.0.0.1", "623"}, {"10.0.0.1:1623", "10.0.0.1", "1623"}, {"bmc.rack1", "bmc.rack1", "623"},
		{"fe80::1", "fe80::1", "623"}, {"[fe80::1]", "fe80::1", "623"}, {"[fe80::1]:99", "fe80::1", "99"},
		{"", "", ""}, {"-oProxy", "", ""}, {"host:port", "", ""}, {"https://host", "", ""}, {"a@b", "", ""}, {"a b", "", ""}, {"h:123456", "", ""},
	} {
		host, port, err := address(c.text, "623")
		if host != c.host || port != c.port || (err == nil) != (c.host != "") {
			t.Errorf("%q: %q, %q, %v", c.text, host, port, err)
		}
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ text, password, want string }{
		{"plain", "", "plain"},
		{"a\nb\x1b[31mc\x00", "", "a b [31mc"},
		{"login hunter2 failed", "hunter2", "login [redacted] failed"},
		{"bad \xff bytes", "", "bad bytes"},
	} {
		if got := clean(c.text, secret.New(c.password)); got != c.want {
			t.Errorf("%q: %q; want %q", c.text, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("401: {\"error\":\n\x1b]0;x\x07}", "pass")
	f.Add(strings.Repeat("ä", 600), "")
	f.Fuzz(func(t *testing.T, text, password string) {
		got := clean(text, secret.New(password))
		if len(got) > maxText+len("…") || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x1b\x00") {
			t.Errorf("%q", got)
		}
	})
}

func TestNormalPower(t *testing.T) {
	for text, want := range map[string]inventory.Power{
		"On": inventory.PowerOn, " off\n": inventory.PowerOff, "PoweringOn": inventory.PowerOff, "PoweringOff": inventory.PowerOn,
		"": inventory.PowerUnknown, "Reset": inventory.PowerUnknown,
	} {
		if got := normalPower(text); got != want {
			t.Errorf("%q: %q; want %q", text, got, want)
		}
	}
}

func TestSystemUUID(t *testing.T) {
	const want = "6e1c0f9a-3a0b-4d1c-9d7e-0123456789ab"
	text := []byte{0x6e, 0x1c, 0x0f, 0x9a, 0x3a, 0x0b, 0x4d, 0x1c, 0x9d, 0x7e, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab}
	smbios := []byte{0x9a, 0x0f, 0x1c, 0x6e, 0x0b, 0x3a, 0x1c, 0x4d, 0x9d, 0x7e, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab}
	reverse := make([]byte, 16)
	for i, b := range text {
		reverse[15-i] = b
	}
	for name, c := range map[string]struct {
		guid []byte
		want string
	}{"text": {text, want}, "smbios": {smbios, want}, "ipmi": {reverse, want}, "zero": {make([]byte, 16), ""}, "short": {text[:3], ""}} {
		if got := systemUUID(c.guid); got != c.want {
			t.Errorf("%s: %q; want %q", name, got, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	if got := printable([]byte("  SN\xff42 \x00\x00")); got != "SN42" {
		t.Errorf("%q", got)
	}
}
