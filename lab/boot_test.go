package lab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBootSetting(t *testing.T) {
	type step struct {
		device Device
		once   bool
	}
	for _, tt := range []struct {
		name      string
		steps     []step
		first     Device // of the next boot
		second    Device // of the one after
		override  Device
		overrides bool // once
	}{
		{"nothing set", nil, BootDisk, BootDisk, BootNone, false},
		{"pxe once", []step{{BootPXE, true}}, BootPXE, BootDisk, BootPXE, true},
		{"pxe for good", []step{{BootPXE, false}}, BootPXE, BootPXE, BootPXE, false},
		{"disk once over pxe", []step{{BootPXE, false}, {BootDisk, true}}, BootDisk, BootPXE, BootDisk, true},
		{"last once wins", []step{{BootPXE, true}, {BootDisk, true}}, BootDisk, BootDisk, BootDisk, true},
		{"cleared", []step{{BootPXE, true}, {BootNone, false}}, BootDisk, BootDisk, BootNone, false},
		{"none once clears, too", []step{{BootPXE, true}, {BootNone, true}}, BootDisk, BootDisk, BootNone, false},
		{"for good drops once", []step{{BootPXE, true}, {BootDisk, false}}, BootDisk, BootDisk, BootDisk, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b BootSetting
			for _, s := range tt.steps {
				var err error
				if b, err = b.set(s.device, s.once); err != nil {
					t.Fatal(err)
				}
			}
			d, once := b.override()
			got := []any{b.first(), b.consumed().first(), d, once}
			if diff := cmp.Diff([]any{tt.first, tt.second, tt.override, tt.overrides}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := (BootSetting{}).set("floppy", true); err == nil || !strings.Contains(err.Error(), "floppy") {
		t.Errorf("error %v, want one that names the device", err)
	}
}

func TestBootOrder(t *testing.T) {
	st := Default().Servers[1]
	if diff := cmp.Diff([]string{"disk0", "disk1", "disk2", "disk3", "disk4", "nic0", "cd0"}, bootOrder(st, BootDisk)); diff != "" {
		t.Error(diff)
	}
	pxe := bootOrder(st, BootPXE)
	if pxe[0] != "nic0" || bootIndex(pxe, "nic0") != 1 || bootIndex(pxe, "disk4") != 6 || bootIndex(pxe, "tape") != 0 {
		t.Errorf("network first: %v", pxe)
	}
}
