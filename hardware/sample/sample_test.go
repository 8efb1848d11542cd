package sample_test

import (
	"fmt"
	"strings"
	"testing"

	"socle/hardware"
	"socle/hardware/sample"
)

// TestTwelveServers reads the real servers. What is wanted was counted by hand in the files.
func TestTwelveServers(t *testing.T) {
	all, err := sample.All()
	if err != nil || len(all) != 12 {
		t.Fatalf("%d servers, %v", len(all), err)
	}
	shapes := map[string][]string{}
	for _, s := range all {
		f := s.Facts
		filled := 0
		for _, d := range f.Memory.DIMMs {
			if d.SizeBytes == 16<<30 && d.PartNumber == "672612-081" && d.Type == "DDR3" && d.SpeedMTs == 1600 {
				filled++
			}
		}
		shape := fmt.Sprintf("%s %s, %d CPUs, %d of %d DIMMs, %d GiB, %d disks, %d drives, %d NICs", f.System.Product, f.System.SKU,
			len(f.CPUs), filled, len(f.Memory.DIMMs), f.Memory.TotalBytes>>30, len(f.Disks), len(f.Drives), len(f.NICs))
		shapes[shape] = append(shapes[shape], f.System.Serial)
	}
	const blade = "ProLiant BL460c Gen8 641016-B21, 2 CPUs, "
	for shape, want := range map[string]string{
		blade + "2 of 16 DIMMs, 32 GiB, 2 disks, 2 drives, 2 NICs":  "CZ3404YWNN CZ3404YWNR CZ3404YWNT",
		blade + "2 of 16 DIMMs, 32 GiB, 2 disks, 10 drives, 2 NICs": "CZ3404YWNW",
		blade + "8 of 16 DIMMs, 128 GiB, 2 disks, 2 drives, 2 NICs": "CZ3404YWP2 CZ3404YWP4 CZ3404YWP6 CZ3404YWP8 CZ3404YWPA CZ3404YWPC CZ3404YWPE CZ3404YWPH",
	} {
		if got := strings.Join(shapes[shape], " "); got != want {
			t.Errorf("%s: %q, want %q", shape, got, want)
		}
	}
	if len(shapes) != 3 {
		t.Errorf("%v", shapes)
	}
}

const small = `[
["system","product","serial","X1 "],["firmware","bios","version","I31"],
["cpu","physical_1","product","Xeon"],["cpu","physical_1","frequency","2000000000"],["cpu","physical_1","cores","8"],["cpu","physical_1","threads","16"],
["network","eth0","serial","9C:B6:54:88:5C:78"],["network","eth0","businfo","pci@0000:04:00.0"],["network","eth0","ipv4","10.29.99.39"],["network","eth0","ipv4-cidr","24"],["network","eth0","link","yes"],
["disk","1I:1:1","type","SAS"],["disk","1I:1:1","slot","0"],["disk","1I:1:1","size","300"],["disk","1I:1:1","type","SATA"],["disk","1I:1:1","slot","3"],["disk","1I:1:1","size","1000"],
["disk","sda","size","299"],["disk","sda","rev","4.68"],["disk","sda","standalone_read_1M_KBps","200087"],["cpu","logical_0","loops_per_sec","459"],["sound","card","type","none"]]`

func TestRead(t *testing.T) {
	s, err := sample.Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	f := s.Facts
	for what, ok := range map[string]bool{
		"serial":   f.System.Serial == "X1",
		"cpu":      len(f.CPUs) == 1 && f.CPUs[0].Socket == 1 && f.CPUs[0].MHz == 2000 && f.CPUs[0].Cores == 8 && f.CPUs[0].Threads == 16,
		"nic":      len(f.NICs) == 1 && f.NICs[0].MAC == "9c:b6:54:88:5c:78" && f.NICs[0].PCI == "0000:04:00.0" && f.NICs[0].Addresses[0] == "10.29.99.39/24" && f.NICs[0].Boot && f.NICs[0].Link,
		"drives":   len(f.Drives) == 2 && f.Drives[0] == hardware.Drive{Controller: "slot 0", Bay: "1I:1:1", Transport: "sas", SizeBytes: 300e9} && f.Drives[1].SizeBytes == 1000e9,
		"disk":     len(f.Disks) == 1 && f.Disks[0].SizeBytes == 299e9 && f.Disks[0].Firmware == "4.68",
		"readings": len(s.Readings) == 2 && s.Readings[0] == sample.Reading{Class: "disk", Element: "sda", Property: "standalone_read_1M_KBps", Value: 200087},
	} {
		if !ok {
			t.Errorf("%s: %+v", what, s)
		}
	}
	for _, text := range []string{"", "{}", `[["a","b","c"]]`, `[["cpu","physical_0","cores","many"]]`, `[["cpu","physical_x","cores","8"]]`, `[["disk","sda","read_KBps","fast"]]`, `[["memory","bank:0","size","-1"]]`} {
		if _, err := sample.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// FuzzRead: what is read is told or taken, and nothing breaks.
func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add(`[["disk","1I:1:1","size","300"],["memory","bank:0:0","description","DIMM DDR3"],["system","product","name","a (b)"]]`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sample.Read(strings.NewReader(text))
		if err != nil && (len(s.Facts.CPUs) > 0 || len(s.Readings) > 0) {
			t.Errorf("half a server came with %v", err)
		}
	})
}
