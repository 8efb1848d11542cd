package smart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anatol/smart.go"
)

// TestATA: of the attributes those that mean damage are told, and one below its threshold that predicts a failure.
func TestATA(t *testing.T) {
	page := &smart.AtaSmartPage{Attrs: map[uint8]smart.AtaSmartAttr{
		1: {Id: 1, Flags: 1, Current: 100}, 5: {Id: 5, Flags: 0x33, Current: 60, ValueRaw: 7 | 9<<32}, 194: {Id: 194, Current: 1}, 197: {Id: 197, Current: 100, ValueRaw: 2},
	}}
	limits := &smart.AtaSmartThresholdsPage{Thresholds: map[uint8]uint8{1: 6, 5: 36, 194: 40}}
	h := ata(page, limits)
	if len(h.Values) != 2 || h.Values[0].Name != "pending" || h.Values[1].Name != "reallocated" || h.Values[1].Value != 7 || !h.Values[1].Grows || h.Failing != "" {
		t.Errorf("%+v", h) // 194 is below, and predicts nothing
	}
	limits.Thresholds[5] = 60
	if h := ata(page, limits); !strings.Contains(h.Failing, "attribute 5 is 60") {
		t.Errorf("%+v", h)
	}
}

func TestNVMe(t *testing.T) {
	l := &smart.NvmeSMARTLog{Temperature: 273 + 41, PercentUsed: 3, CritWarning: 2}
	l.MediaErrors.Val[0] = 5
	h := nvme(l)
	if h.Values[0].Value != 5 || h.Values[1].Value != 3 || h.Values[2].Value != 41 || h.Failing != "" {
		t.Errorf("%+v", h)
	}
	if l.CritWarning = 1 | 8; nvme(l).Failing != "its spare blocks are nearly used up, it is read-only" {
		t.Errorf("%+v", nvme(l))
	}
}

// TestNoDisk: what is no disk is an error.
func TestNoDisk(t *testing.T) {
	for _, name := range []string{"sda", "nvme0n1"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
		if h, err := Read(path); err == nil {
			t.Errorf("%s is %+v", path, h)
		}
	}
}
