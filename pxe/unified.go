package pxe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"socle/inventory"
)

// UnifiedPath is the machine's ramdisk as one EFI program, for firmware that fetches it over TLS: nothing of its
// boot then comes in clear.
const UnifiedPath = "/boot/machine.efi"

const unifiedFile = "machine.efi"

// unifiedQuery names the client in the URL, as iPXE does in its own.
func unifiedQuery(c Client) string {
	q := "?mac=" + url.QueryEscape(c.MAC)
	if okUUID.MatchString(c.UUID) {
		q += "&uuid=" + c.UUID
	}
	return q
}

// serveUnified serves the ramdisk with the machine's command line in it. Firmware asks for the size first, by HEAD:
// no token is made for that. What is no ramdisk ends in an error, so that the firmware goes on with its boot order.
func (h *handler) serveUnified(w http.ResponseWriter, r *http.Request) {
	c := clientOf(r)
	c.Arch, c.IPXE = ArchUnknown, false // the stub hands the ramdisk over: the kernel needs no word about it
	s, name := script{}, scriptRamdisk
	var plan Plan
	var err error
	if r.Method != http.MethodHead {
		name, plan = h.answer(r.Context(), c)
		s, err = newScript(h.opt.BootURL, c, plan)
	}
	var image io.ReadSeeker
	if err == nil && name == scriptRamdisk {
		var done func()
		if image, done, err = h.unified(s.Params); err == nil {
			defer done()
		}
	}
	switch {
	case err != nil:
		h.opt.Log.Error("the ramdisk cannot be served as one program", "mac", c.MAC, "machine", plan.Machine, "err", err)
		name = scriptUnavailable
		http.Error(w, "the ramdisk cannot be served now, try again", http.StatusServiceUnavailable)
	case name == scriptUnavailable:
		http.Error(w, "what this machine boots cannot be said now, try again", http.StatusServiceUnavailable)
	case name != scriptRamdisk:
		http.Error(w, "this machine boots no ramdisk: "+name, http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/efi") // UEFI 2.10 section 24.7.3.2
		w.Header().Set("Cache-Control", "no-store")
		out := &counter{ResponseWriter: w, status: http.StatusOK}
		size, _ := image.Seek(0, io.SeekEnd)
		http.ServeContent(out, r, "", time.Time{}, image)
		outcome := fileOutcome(out.status, out.n, size)
		if r.Method == http.MethodHead {
			outcome = inventory.OutProbe
		}
		h.record(r, inventory.Evidence{MAC: c.MAC, Machine: plan.Machine, Kind: inventory.SawFile, Outcome: outcome, File: unifiedFile, Total: size,
			Asked: fmt.Sprintf("file %q", unifiedFile), Reply: fmt.Sprintf("%d, %d of %d bytes", out.status, out.n, size), Bytes: out.n})
	}
	if r.Method != http.MethodHead {
		h.record(r, inventory.Evidence{MAC: c.MAC, Machine: plan.Machine, Kind: inventory.SawScript, Outcome: scriptOutcome(name), File: name,
			Client: inventory.StageFirmware, Asked: "ramdisk as one program", Reply: "script " + name})
	}
}

// unified joins the ramdisk with a command line.
func (h *handler) unified(params string) (image io.ReadSeeker, done func(), err error) {
	var open []io.Closer
	done = func() {
		for _, f := range open {
			_ = f.Close() // it was only read
		}
	}
	file := func(name string) (section, error) {
		f, size, err := h.opt.Files.Open(name)
		if err != nil {
			return section{}, fmt.Errorf("opening %s: %w", name, err)
		}
		open = append(open, f)
		return section{size: size, data: f}, nil
	}
	stub, err := file(stubFile)
	initrd, ierr := file("ramdisk/initrd")
	kernel, kerr := file("ramdisk/vmlinuz")
	if err = errors.Join(err, ierr, kerr); err == nil {
		initrd.name, kernel.name = ".initrd", ".linux"
		var text []byte
		if text, err = io.ReadAll(io.LimitReader(stub.data, maxStub+1)); err == nil {
			image, err = newUnified(text, params, initrd, kernel)
		}
	}
	if err != nil {
		done()
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; build it: socle image build ramdisk boot-files", err)
		}
		return nil, nil, err
	}
	return image, done, nil
}
