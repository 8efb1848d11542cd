package verify

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// The guest, its pool and its disk have one name each, so that what an interrupted verification left is
// found. Guests of others are never touched.
const (
	guestName = "socle-verify"
	poolName  = "socle-verify"
	poolPath  = "/var/lib/libvirt/socle-verify"
	volName   = "boot.img"
)

// pool is a directory that libvirt makes for the guest's disk.
type pool struct {
	XMLName xml.Name `xml:"pool"`
	Type    string   `xml:"type,attr"`
	Name    string   `xml:"name"`
	Path    string   `xml:"target>path"`
	Mode    string   `xml:"target>permissions>mode"`
}

type volume struct {
	XMLName  xml.Name `xml:"volume"`
	Name     string   `xml:"name"`
	Capacity int      `xml:"capacity"` // bytes
	Format   struct {
		Type string `xml:"type,attr"`
	} `xml:"target>format"`
}

type attrType struct {
	Type string `xml:"type,attr"`
}

// domain is a guest with nothing but a CPU, a disk and a serial line.
type domain struct {
	XMLName xml.Name `xml:"domain"`
	Type    string   `xml:"type,attr"`
	Name    string   `xml:"name"`
	Memory  int      `xml:"memory"` // KiB
	VCPU    int      `xml:"vcpu"`
	OS      struct {
		Type struct {
			Arch    string `xml:"arch,attr"`
			Machine string `xml:"machine,attr"`
			Text    string `xml:",chardata"`
		} `xml:"type"`
		Boot struct {
			Dev string `xml:"dev,attr"`
		} `xml:"boot"`
	} `xml:"os"`
	Devices struct {
		Disk struct {
			Type   string   `xml:"type,attr"`
			Device string   `xml:"device,attr"`
			Driver nameType `xml:"driver"`
			Source struct {
				File string `xml:"file,attr"`
			} `xml:"source"`
			Target struct {
				Dev string `xml:"dev,attr"`
				Bus string `xml:"bus,attr"`
			} `xml:"target"`
			ReadOnly struct{} `xml:"readonly"`
		} `xml:"disk"`
		USB struct {
			Type  string `xml:"type,attr"`
			Model string `xml:"model,attr"`
		} `xml:"controller"`
		Balloon struct {
			Model string `xml:"model,attr"`
		} `xml:"memballoon"`
		Serial  attrType `xml:"serial"`
		Console attrType `xml:"console"`
	} `xml:"devices"`
}

type nameType struct {
	Name string `xml:"name,attr"`
	Type string `xml:"type,attr"`
}

func newDomain(kind, disk string) domain {
	d := domain{Type: kind, Name: guestName, Memory: 16 << 10, VCPU: 1}
	d.OS.Type.Arch, d.OS.Type.Machine, d.OS.Type.Text, d.OS.Boot.Dev = "x86_64", "pc", "hvm", "hd"
	dev := &d.Devices
	dev.Disk.Type, dev.Disk.Device, dev.Disk.Driver = "file", "disk", nameType{"qemu", "raw"}
	dev.Disk.Source.File, dev.Disk.Target.Dev, dev.Disk.Target.Bus = disk, "vda", "virtio"
	dev.USB.Type, dev.USB.Model, dev.Balloon.Model = "usb", "none", "none"
	dev.Serial.Type, dev.Console.Type = "pty", "pty"
	return d
}

// guest starts a guest of the given type, waits for its line and removes everything again.
func (h *hypervisor) guest(ctx context.Context, kind string) (line string, took time.Duration, err error) {
	_ = h.sweep() // what cannot be removed shows when the new one is made
	defer func() {
		if left := h.sweep(); left != nil && err == nil {
			err = fmt.Errorf("removing the guest: %w", left)
		}
	}()
	want := "SOCLE GUEST OK " + nonce()
	disk, err := h.upload(bootSector(want))
	if err != nil {
		return "", 0, err
	}
	text, err := xml.Marshal(newDomain(kind, disk))
	if err != nil {
		return "", 0, fmt.Errorf("describing the guest: %w", err)
	}
	began := time.Now()
	dom, err := h.l.DomainCreateXML(string(text), libvirt.DomainStartAutodestroy)
	if err != nil {
		return "", 0, fmt.Errorf("starting the guest: %w", err)
	}
	if err := h.read(ctx, dom, want); err != nil {
		return "", 0, err
	}
	return want, time.Since(began), nil
}

// upload puts the guest's disk on the hypervisor and returns its path there.
func (h *hypervisor) upload(content []byte) (string, error) {
	text, err := xml.Marshal(pool{Type: "dir", Name: poolName, Path: poolPath, Mode: "0711"})
	if err != nil {
		return "", fmt.Errorf("describing the storage pool: %w", err)
	}
	p, err := h.l.StoragePoolCreateXML(string(text), libvirt.StoragePoolCreateWithBuild)
	if err != nil {
		return "", fmt.Errorf("making a storage pool in %s: %w", poolPath, err)
	}
	v := volume{Name: volName, Capacity: len(content)}
	v.Format.Type = "raw"
	if text, err = xml.Marshal(v); err != nil {
		return "", fmt.Errorf("describing the guest's disk: %w", err)
	}
	vol, err := h.l.StorageVolCreateXML(p, string(text), 0)
	if err != nil {
		return "", fmt.Errorf("making the guest's disk: %w", err)
	}
	if err := h.l.StorageVolUpload(vol, bytes.NewReader(content), 0, uint64(len(content)), 0); err != nil {
		return "", fmt.Errorf("writing the guest's disk: %w", err)
	}
	path, err := h.l.StorageVolGetPath(vol)
	if err != nil {
		return "", fmt.Errorf("asking for the path of the guest's disk: %w", err)
	}
	return path, nil
}

// read follows the guest's console until it says want.
func (h *hypervisor) read(ctx context.Context, dom libvirt.Domain, want string) error {
	c := &console{want: want, seen: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- h.l.DomainOpenConsole(dom, nil, c, 0) }() // ends with the guest, which sweep destroys
	timeout := time.NewTimer(consoleWait)
	defer timeout.Stop()
	select {
	case <-c.seen:
		return nil
	case err := <-ended:
		return errors.Join(fmt.Errorf("the guest's console closed after %s", c.quote()), err)
	case <-timeout.C:
		return fmt.Errorf("the guest did not say %q on its console within %v, but %s", want, consoleWait, c.quote())
	case <-ctx.Done():
		return fmt.Errorf("waiting for the guest's console, which said %s: %w", c.quote(), context.Cause(ctx))
	}
}

// sweep removes the guest, its disk and its pool, as far as they are there.
func (h *hypervisor) sweep() error {
	var errs []error
	if dom, err := h.l.DomainLookupByName(guestName); err == nil {
		errs = append(errs, h.l.DomainDestroy(dom))
	}
	if p, err := h.l.StoragePoolLookupByName(poolName); err == nil {
		if vol, err := h.l.StorageVolLookupByName(p, volName); err == nil {
			errs = append(errs, h.l.StorageVolDelete(vol, 0))
		}
		errs = append(errs, h.l.StoragePoolDestroy(p))
	}
	return errors.Join(errs...)
}

// consoleBytes is how much of a console is kept.
const consoleBytes = 16 << 10

// console looks for a text in a stream.
type console struct {
	want string
	seen chan struct{}

	mu    sync.Mutex
	data  []byte
	found bool
}

// Write implements io.Writer.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = append(c.data, p...)
	if over := len(c.data) - consoleBytes; over > 0 {
		c.data = c.data[over:]
	}
	if !c.found && bytes.Contains(c.data, []byte(c.want)) {
		c.found = true
		close(c.seen)
	}
	return len(p), nil
}

func (c *console) quote() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.data) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.200q", strings.TrimSpace(string(c.data)))
}
