package probe

import (
	"bufio"
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"socle/hardware"
)

const (
	secureBootVar = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c" // UEFI 2.10, 3.3
	maxFlags      = 512                                                                    // of one processor
)

// firmware completes how the server booted.
func (r Root) firmware(f *hardware.Firmware) {
	f.Mode = "bios"
	if exists(r.Sys, "firmware/efi") {
		f.Mode = "uefi"
	}
	// four bytes of attributes precede the value in efivarfs
	if v, err := readBounded(filepath.Join(r.Sys, secureBootVar)); err == nil && len(v) == 5 {
		f.SecureBoot = v[4] == 1
	}
}

func (r Root) tpm() *hardware.TPM {
	for _, n := range names(r.Sys, "class/tpm") {
		switch text(r.Sys, "class/tpm", n, "tpm_version_major") {
		case "2":
			return &hardware.TPM{Version: "2.0"}
		case "1":
			return &hardware.TPM{Version: "1.2"}
		}
	}
	return nil
}

// memory is MemTotal of /proc/meminfo, in bytes.
func (r Root) memory() (uint64, error) {
	b, err := readBounded(filepath.Join(r.Proc, "meminfo"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 54)
			if err != nil {
				return 0, fmt.Errorf("understanding MemTotal %q: %w", Clean(rest), err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("meminfo has no MemTotal")
}

// cpus groups the logical processors of /proc/cpuinfo by socket.
func (r Root) cpus() ([]hardware.CPU, error) {
	b, err := readBounded(filepath.Join(r.Proc, "cpuinfo"))
	if err != nil {
		return nil, err
	}
	type socket struct {
		cpu   hardware.CPU
		cores map[string]bool
	}
	var order []int
	sockets := map[int]*socket{}
	fields := map[string]string{}
	flush := func() {
		if _, ok := fields["processor"]; !ok {
			return
		}
		id, _ := strconv.Atoi(fields["physical id"])
		s := sockets[id]
		if s == nil {
			mhz, _ := strconv.ParseFloat(fields["cpu MHz"], 64)
			flags := strings.Fields(fields["flags"])
			s = &socket{cores: map[string]bool{}, cpu: hardware.CPU{Socket: id, Vendor: Clean(fields["vendor_id"]),
				Model: Clean(fields["model name"]), MHz: int(mhz), Flags: cleanAll(flags[:min(len(flags), maxFlags)])}}
			sockets[id] = s
			order = append(order, id)
		}
		core, ok := fields["core id"]
		if !ok {
			core = fields["processor"]
		}
		s.cores[core] = true
		s.cpu.Threads++
		s.cpu.Cores = len(s.cores)
		clear(fields)
	}
	scan := bufio.NewScanner(bytes.NewReader(b))
	scan.Buffer(nil, maxFile)
	for scan.Scan() {
		key, value, ok := strings.Cut(scan.Text(), ":")
		if !ok {
			flush()
			continue
		}
		fields[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	flush()
	if max := r.maxMHz(); max > 0 {
		for _, s := range sockets {
			s.cpu.MHz = max
		}
	}
	list := make([]hardware.CPU, 0, len(order))
	for _, id := range order[:min(len(order), maxItems)] {
		list = append(list, sockets[id].cpu)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("cpuinfo names no processor")
	}
	return list, scan.Err()
}

// maxMHz is the highest clock of the first processor; cpuinfo shows the clock of the moment only.
func (r Root) maxMHz() int {
	return int(number(r.Sys, "devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq") / 1000)
}

func cleanAll(list []string) []string {
	for i := range list {
		list[i] = Clean(list[i])
	}
	return list
}

// pci lists the functions on all buses.
func (r Root) pci() []hardware.PCIDevice {
	var list []hardware.PCIDevice
	for _, addr := range names(r.Sys, "bus/pci/devices") {
		dir := filepath.Join(r.Sys, "bus/pci/devices", addr)
		hex := func(name string) string { return strings.TrimPrefix(text(dir, name), "0x") }
		list = append(list, hardware.PCIDevice{Address: Clean(addr), Class: hex("class"), Vendor: hex("vendor"),
			Device: hex("device"), SubVendor: hex("subsystem_vendor"), SubDevice: hex("subsystem_device"),
			Driver: linkBase(dir, "driver")})
	}
	return list
}
