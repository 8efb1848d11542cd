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
	if okUUID(c.UUID) {
		q += "&uuid=" + c.UUID
	}
	return q
}

// serveUnified serves the ramdisk with the machine's command line, which holds its boot token, in it: over TLS only,
// and by the rules of scripts. What is no ramdisk ends in an error, so that the firmware goes on with its boot order.
func (h *handler) serveUnified(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.TLS == nil:
		http.Error(w, "this is given over TLS only", http.StatusForbidden)
	case r.Method == http.MethodHead: // firmware asks for the size first: no token is made for that
		if image, done, err := h.unified(""); err != nil {
			h.noUnified(w, err)
		} else {
			defer done()
			h.sendUnified(w, r, image, Plan{}, "")
		}
	default:
		h.serveProgram(w, r)
	}
}

func (h *handler) serveProgram(w http.ResponseWriter, r *http.Request) {
	c := clientOf(r)
	c.Arch, c.IPXE = ArchUnknown, false // the stub hands the ramdisk over: the kernel needs no word about it
	name, plan := h.answer(r.Context(), c)
	var image *unified
	done := func() {}
	var err error
	if name == scriptRamdisk {
		var s script
		if s, err = newScript(h.opt.BootURL, c, plan); err == nil {
			image, done, err = h.unified(s.Params)
		}
	}
	if err != nil {
		name = scriptUnavailable
	}
	h.record(r, inventory.Evidence{MAC: c.MAC, Machine: plan.Machine, Kind: inventory.SawScript, Outcome: scriptOutcome(name), File: name,
		Client: inventory.StageFirmware, Asked: "ramdisk as one program", Reply: "script " + name})
	switch {
	case err != nil:
		h.noUnified(w, err)
	case name == scriptUnavailable:
		http.Error(w, "what this machine boots cannot be said now, try again", http.StatusServiceUnavailable)
	case name != scriptRamdisk:
		http.Error(w, "this machine boots no ramdisk: "+name, http.StatusNotFound)
	default:
		defer done()
		h.sendUnified(w, r, image, plan, c.MAC)
	}
}

func (h *handler) noUnified(w http.ResponseWriter, err error) {
	h.opt.Log.Error("the ramdisk cannot be served as one program", "err", err)
	http.Error(w, "the ramdisk cannot be served now, try again", http.StatusServiceUnavailable)
}

func (h *handler) sendUnified(w http.ResponseWriter, r *http.Request, image *unified, plan Plan, mac string) {
	w.Header().Set("Content-Type", "application/efi") // UEFI 2.10 section 24.7.3.2: firmware knows by it what to do
	w.Header().Set("Cache-Control", "no-store")
	out := &counter{ResponseWriter: w, status: http.StatusOK}
	http.ServeContent(out, r, "", time.Time{}, image)
	h.record(r, inventory.Evidence{MAC: mac, Machine: plan.Machine, Kind: inventory.SawFile, Outcome: out.outcome(r.Method), File: unifiedFile, Total: image.size,
		Asked: fmt.Sprintf("file %q over TLS", unifiedFile), Reply: fmt.Sprintf("%d, %d of %d bytes", out.status, out.n, image.size), Bytes: out.n})
}

// unified joins the ramdisk with a command line.
func (h *handler) unified(params string) (image *unified, done func(), err error) {
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
			err = fmt.Errorf("%w; build what is missing: socle image build ramdisk boot-files", err)
		}
		return nil, nil, err
	}
	return image, done, nil
}
