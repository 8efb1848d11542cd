//go:build e2e

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/agent/agenttest"
	"socle/agent/disk"
	"socle/api"
	"socle/hardware"
)

const (
	machineSerial = "SRV-E2E-1"
	chunkBytes    = 1 << 20
	diskBytes     = 128 << 20
)

// TestBootE2E boots the agent as process 1 of a real kernel under both kinds of firmware and has it do everything
// that it can do, on AHCI, NVMe, virtio and SCSI disks.
func TestBootE2E(t *testing.T) {
	kernel, modules := debianKernel(t)
	initrd := ramdisk(t, modules)
	raw := testImage(t)
	for _, firmware := range []string{"bios", "uefi"} {
		t.Run(firmware, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
			defer cancel()
			s := agenttest.New(t)
			vm := start(ctx, t, s, firmware, kernel, initrd)
			digest, ix := s.AddImage(t, raw, chunkBytes, nil)
			cutInTheMiddle(t, s, ix)
			checkFacts(ctx, t, s, firmware)

			write := api.WriteImage{DiskSerial: "AHCI-1", Image: digest}
			for _, refused := range []struct{ id, code string }{
				{s.Issue(api.OrderWriteImage, "OTHER", write), api.CodeWrongMachine},
				{s.Issue(api.OrderWriteImage, machineSerial, api.WriteImage{DiskSerial: "AHCI-2", Image: digest}), api.CodeNoDisk},
				{s.Issue(api.OrderWriteImage, machineSerial, api.WriteImage{DiskSerial: "TINY-1", Image: digest}), api.CodeTooSmall},
			} {
				if o := final(ctx, t, s, refused.id); o.Final.State != "refused" || o.Final.Code != refused.code {
					t.Errorf("%s ended %s %s (%s), want refused %s", o.Params, o.Final.State, o.Final.Code, o.Final.Message, refused.code)
				}
			}
			w := done(ctx, t, s, s.Issue(api.OrderWriteImage, machineSerial, write))
			var result api.WriteResult
			if err := json.Unmarshal(w.Final.Result, &result); err != nil {
				t.Fatal(err)
			}
			t.Logf("written: %+v after %d reports", result, len(w.Reports))
			if result.Retries == 0 || result.Zero == 0 || result.Wire == 0 || result.Wire >= result.Bytes {
				t.Errorf("result %+v: want retries, zeros, and less wire than bytes", result)
			}
			done(ctx, t, s, s.Issue(api.OrderSeed, machineSerial, api.Seed{DiskSerial: "AHCI-1",
				Files: map[string]string{"meta-data": "instance-id: x\n", "user-data": "#cloud-config\n", "network-config": "version: 2\n"}}))
			done(ctx, t, s, s.Issue(api.OrderPrepareDisk, machineSerial, api.PrepareDisk{DiskSerial: "NVME-1", Label: "socle-d1"}))
			done(ctx, t, s, s.Issue(api.OrderPrepareDisk, machineSerial, api.PrepareDisk{DiskSerial: "VIRTIO-1", Label: "socle-d2"}))
			done(ctx, t, s, s.Issue(api.OrderBootEntry, machineSerial, api.BootEntry{DiskSerial: "AHCI-1", Label: "socle e2e"}))
			done(ctx, t, s, s.Issue(api.OrderBootEntry, machineSerial, api.BootEntry{DiskSerial: "AHCI-1", Label: "socle e2e"}))
			done(ctx, t, s, s.Issue(api.OrderInspect, machineSerial, struct{}{}))
			done(ctx, t, s, s.Issue(api.OrderPowerOff, machineSerial, struct{}{}))
			if err := vm.wait(ctx); err != nil {
				t.Fatalf("the machine did not power off: %v", err)
			}
			vm.checkDisks(t, raw, firmware)
		})
	}
}

// cutInTheMiddle spoils one chunk once, and cuts every connection for 5 s after the tenth chunk.
func cutInTheMiddle(t *testing.T, s *agenttest.Server, ix api.Index) {
	var chunks, spoiled atomic.Int32
	var until atomic.Int64
	s.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.TLS.CipherSuite != tls.TLS_CHACHA20_POLY1305_SHA256 {
			t.Errorf("the emulated machine chose cipher %s", tls.CipherSuiteName(r.TLS.CipherSuite))
		}
		if time.Now().UnixNano() < until.Load() {
			agenttest.Hangup(w)
			return true
		}
		if !strings.Contains(r.URL.Path, "/chunks/") {
			return false
		}
		if chunks.Add(1) == 10 {
			until.Store(time.Now().Add(5 * time.Second).UnixNano())
			agenttest.Hangup(w)
			return true
		}
		if strings.HasSuffix(r.URL.Path, ix.Chunks[3].SHA256) && spoiled.Add(1) == 1 {
			_, _ = w.Write([]byte("this is no zstd frame"))
			return true
		}
		return false
	})
}

func final(ctx context.Context, t *testing.T, s *agenttest.Server, id string) agenttest.Order {
	t.Helper()
	o, err := s.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func done(ctx context.Context, t *testing.T, s *agenttest.Server, id string) agenttest.Order {
	t.Helper()
	o := final(ctx, t, s, id)
	if o.Final.State != "done" {
		t.Fatalf("%s ended %s %s: %s", o.Kind, o.Final.State, o.Final.Code, o.Final.Message)
	}
	return o
}

func checkFacts(ctx context.Context, t *testing.T, s *agenttest.Server, firmware string) {
	t.Helper()
	posts, err := s.WaitFacts(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := posts[0].Facts
	type brief struct{ Serial, Transport, Contents string }
	got := map[string]brief{}
	for _, d := range f.Disks {
		got[d.Serial] = brief{d.Serial, d.Transport, d.Contents}
	}
	want := map[string]brief{
		"AHCI-1":   {"AHCI-1", "sata", "unknown"},
		"NVME-1":   {"NVME-1", "nvme", "empty"},
		"VIRTIO-1": {"VIRTIO-1", "virtio", "empty"},
		"SCSI-1":   {"SCSI-1", "scsi", "empty"},
		"TINY-1":   {"TINY-1", "virtio", "empty"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("disks (-want +got):\n%s", diff)
	}
	sys := hardware.System{Manufacturer: "Socle", Product: "E2E", Serial: machineSerial, UUID: "11223344-5566-7788-99aa-bbccddeeff00",
		AssetTag: "ASSET-1", ChassisSerial: "CH-1", BoardSerial: "BB-1"}
	if diff := cmp.Diff(sys, f.System); diff != "" {
		t.Errorf("system (-want +got):\n%s", diff)
	}
	if f.Firmware.Mode != firmware || f.BMC == nil || len(f.CPUs) != 2 || f.CPUs[0].Cores != 1 || len(f.NICs) != 1 || !f.NICs[0].Boot || !f.NICs[0].Link ||
		f.NICs[0].MAC != "52:54:00:12:34:56" || f.NICs[0].Driver != "virtio_net" || len(f.Memory.DIMMs) == 0 || len(f.PCI) < 5 {
		raw, _ := json.MarshalIndent(f, "", " ")
		t.Errorf("facts are not what QEMU was told: %s", raw)
	}
	raw, _ := json.Marshal(f)
	t.Logf("facts: %s", raw)
}

type machine struct {
	dir  string
	wait func(context.Context) error
}

// start boots a machine; its console goes to a file, which is shown when the test fails.
func start(ctx context.Context, t *testing.T, s *agenttest.Server, firmware, kernel, initrd string) machine {
	t.Helper()
	dir := t.TempDir()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	drive := func(id string, size int64) {
		if err := os.WriteFile(filepath.Join(dir, id), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, id), size); err != nil {
			t.Fatal(err)
		}
	}
	// a disk with an old system whose remains must not survive
	drive("ahci", diskBytes)
	if err := os.WriteFile(filepath.Join(dir, "ahci"), append(bytes.Repeat([]byte("old"), 1<<20), make([]byte, diskBytes-3<<20)...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"nvme", "virtio", "scsi"} {
		drive(id, diskBytes)
	}
	drive("tiny", 8<<20)
	appendLine := fmt.Sprintf("console=tty0 console=ttyS0 panic=10 %s=https://10.0.2.2:%s %s=boot-token %s=%s %s=01-52-54-00-12-34-56 %s=test01",
		api.ParamServer, u.Port(), api.ParamToken, api.ParamCA, s.CA, api.ParamMAC, api.ParamName)
	args := []string{"-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", "512", "-smp", "2,sockets=2", "-nodefaults", "-no-reboot", "-display", "none",
		"-kernel", kernel, "-initrd", initrd, "-append", appendLine, "-serial", "file:" + filepath.Join(dir, "console"),
		"-uuid", "11223344-5566-7788-99aa-bbccddeeff00",
		"-smbios", "type=1,manufacturer=Socle,product=E2E,serial=" + machineSerial, "-smbios", "type=2,serial=BB-1", "-smbios", "type=3,serial=CH-1,asset=ASSET-1",
		"-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,romfile=",
		"-device", "ipmi-bmc-sim,id=bmc0", "-device", "isa-ipmi-kcs,bmc=bmc0",
		"-drive", "id=d0,if=none,format=raw,file=" + filepath.Join(dir, "ahci"), "-device", "ide-hd,drive=d0,bus=ide.0,serial=AHCI-1",
		"-drive", "id=d1,if=none,format=raw,file=" + filepath.Join(dir, "nvme"), "-device", "nvme,drive=d1,serial=NVME-1",
		"-drive", "id=d2,if=none,format=raw,file=" + filepath.Join(dir, "virtio"), "-device", "virtio-blk-pci,drive=d2,serial=VIRTIO-1",
		"-drive", "id=d3,if=none,format=raw,file=" + filepath.Join(dir, "scsi"), "-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=d3,serial=SCSI-1",
		"-drive", "id=d4,if=none,format=raw,file=" + filepath.Join(dir, "tiny"), "-device", "virtio-blk-pci,drive=d4,serial=TINY-1"}
	if firmware == "uefi" {
		vars := filepath.Join(dir, "vars")
		b, err := os.ReadFile("/usr/share/OVMF/OVMF_VARS_4M.fd")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vars, b, 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd", "-drive", "if=pflash,format=raw,file="+vars)
	}
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		console, _ := os.ReadFile(filepath.Join(dir, "console"))
		t.Logf("console:\n%s\n%s", console, errs.String())
	})
	return machine{dir: dir, wait: func(ctx context.Context) error {
		select {
		case err := <-ended:
			ended <- err
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// checkDisks looks at the disks from the host, with foreign tools.
func (m machine) checkDisks(t *testing.T, raw []byte, firmware string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(m.dir, "ahci"))
	if err != nil {
		t.Fatal(err)
	}
	// the partition table was rewritten by the seed; the image proper starts after it
	if !bytes.Equal(got[1<<20:len(raw)-1<<20], raw[1<<20:len(raw)-1<<20]) {
		t.Error("the image on the disk is not the image")
	}
	for disk, name := range map[string]string{"nvme": "socle-d1", "virtio": "socle-d2", "ahci": "CIDATA"} {
		table := output(t, m.dir, "/sbin/parted", "-ms", disk, "unit", "B", "print")
		if !strings.Contains(table, ":"+name) {
			t.Errorf("parted sees no partition %s on %s:\n%s", name, disk, table)
		}
	}
	d, err := disk.Open(filepath.Join(m.dir, "ahci"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	table, err := disk.ReadTable(d, d.Size(), d.Sector())
	if err != nil {
		t.Fatal(err)
	}
	p, _ := table.Find(disk.SeedLabel)
	if text := output(t, m.dir, "mtype", "-i", fmt.Sprintf("ahci@@%d", p.First*512), "::network-config"); !strings.Contains(text, "version: 2") {
		t.Errorf("mtools reads %q as network-config", text)
	}
	if firmware == "uefi" {
		vars, err := os.ReadFile(filepath.Join(m.dir, "vars"))
		if err != nil {
			t.Fatal(err)
		}
		label := []byte("s\x00o\x00c\x00l\x00e\x00 \x00e\x002\x00e\x00")
		if !bytes.Contains(vars, label) {
			t.Error("the firmware's variables hold no boot entry")
		}
	}
}

// testImage is 48 MiB with a GPT, an ESP, 12 MiB of noise and much emptiness.
func testImage(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	raw := make([]byte, 48<<20)
	for _, at := range []int{2 << 20, 20 << 20, 33 << 20} {
		_, _ = rand.Read(raw[at : at+4<<20])
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	table := disk.NewTable(d.Size(), d.Sector())
	if _, err := table.Add(disk.Partition{Type: disk.TypeESP, First: 2048, Last: 40959, Name: "ESP"}); err != nil {
		t.Fatal(err)
	}
	if err := table.Write(d); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
