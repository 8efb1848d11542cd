package verify

import (
	"errors"
	"strings"
	"testing"

	"socle/inventory"
)

func TestCapabilities(t *testing.T) {
	caps := func(domains string) string {
		return `<capabilities><host><uuid>u</uuid><cpu><arch>x86_64</arch><model>EPYC</model></cpu></host>
<guest><os_type>hvm</os_type><arch name='i686'><domain type='kvm'/></arch></guest>
<guest><os_type>hvm</os_type><arch name='x86_64'><wordsize>64</wordsize>` + domains + `</arch></guest></capabilities>`
	}
	tests := map[string]struct {
		text, kind, err string
	}{
		"emulation":     {caps(`<domain type='qemu'/>`), "qemu", ""},
		"both":          {caps(`<domain type='qemu'/><domain type='kvm'/>`), "kvm", ""},
		"no guests":     {caps(``), "", "no x86-64 guests"},
		"not XML":       {"hello", "", "reading the capabilities"},
		"cut off":       {caps(`<domain`)[:120], "", "reading the capabilities"},
		"empty element": {"<capabilities/>", "", "no x86-64 guests"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var a about
			err := a.read(tt.text)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.kind() != tt.kind || a.cpu != "EPYC" {
				t.Errorf("got %+v of kind %s, want %s", a, a.kind(), tt.kind)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	v := New(Options{})
	for name, target := range map[string]Target{
		"unknown check": {Name: "a", Role: inventory.Role{Name: "r", Verify: "ping"}},
		"no address":    {Name: "a", Role: inventory.Role{Name: "r", Verify: CheckLibvirt}},
	} {
		if _, err := v.Verify(t.Context(), target); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if ev, err := v.Verify(t.Context(), Target{Role: inventory.Role{Verify: CheckNone}}); err != nil || len(ev) != 1 {
		t.Errorf("no check: %v, %v", ev, err)
	}
}
