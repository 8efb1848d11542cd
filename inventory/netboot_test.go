package inventory

import (
	"testing"
	"time"
)

func TestNetBootNamesWhatWasTried(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	n := NetBoot{Tries: []BootTry{{PathTFTP, 2, now}, {PathDrivers, 3, now.Add(time.Minute)}, {PathHTTP, 0, now.Add(time.Hour)}, {PathSigned, 1, now}}}
	if got, want := n.Tried(), "iPXE by TFTP twice, iPXE with its own drivers 3 times, signed shim and GRUB once"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := n.Last(); got.Path != PathHTTP {
		t.Errorf("the last is %+v", got)
	}
	if n.Count(PathDrivers) != 3 || n.Count(PathBIOS) != 0 {
		t.Error("the counts are wrong")
	}
}

func TestExhausted(t *testing.T) {
	for _, tc := range []struct {
		name  string
		net   NetBoot
		tries int
		want  bool
	}{
		{"nothing tried", NetBoot{}, 0, false},
		{"BIOS, one of two", NetBoot{Tries: []BootTry{{Path: PathBIOS, Count: 9}}}, 0, false},
		{"BIOS", NetBoot{Tries: []BootTry{{Path: PathBIOS, Count: 2}, {Path: PathBIOSDrivers, Count: 2}}}, 0, true},
		{"UEFI without the signed way", NetBoot{Tries: []BootTry{{Path: PathTFTP, Count: 2}, {Path: PathDrivers, Count: 2}}}, 0, false},
		{"UEFI", NetBoot{Tries: []BootTry{{Path: PathTFTP, Count: 2}, {Path: PathDrivers, Count: 2}, {Path: PathSigned, Count: 2}}}, 0, true},
		{"UEFI without the signed way, HTTP as well", NetBoot{Tries: []BootTry{{Path: PathTFTP, Count: 2}, {Path: PathDrivers, Count: 2}, {Path: PathHTTP, Count: 2}, {Path: PathRoom, Count: 2}}}, 0, false},
		{"HTTP boot only", NetBoot{Tries: []BootTry{{Path: PathHTTP, Count: 2}, {Path: PathRoom, Count: 2}, {Path: PathDrivers, Count: 2}}}, 0, true},
		{"HTTP boot only, room was made", NetBoot{Tries: []BootTry{{Path: PathHTTP, Count: 2}, {Path: PathRoom, Count: 2}}}, 0, false},
		{"arm64, HTTP boot only", NetBoot{Tries: []BootTry{{Path: PathRoom, Count: 2}}}, 0, true},
		{"UEFI, three wanted", NetBoot{Tries: []BootTry{{Path: PathTFTP, Count: 3}, {Path: PathDrivers, Count: 3}, {Path: PathSigned, Count: 2}}}, 3, false},
		{"HTTPS has one way", NetBoot{Tries: []BootTry{{Path: PathTLS, Count: 2}}}, 0, true},
		{"HTTPS, once", NetBoot{Tries: []BootTry{{Path: PathTLS, Count: 1}}}, 0, false},
		{"arm64", NetBoot{Tries: []BootTry{{Path: PathARM64, Count: 2}}}, 0, true},
	} {
		if got := tc.net.Exhausted(tc.tries); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
