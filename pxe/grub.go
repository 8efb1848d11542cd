package pxe

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"text/template"

	"socle/inventory"
)

// Where GRUB looks, below the root of TFTP. Debian's signed GRUB has the folder built in, and asks for the
// first of the two configurations before the second.
const (
	grubConfigEFI = "grub/x86_64-efi/grub.cfg"
	grubConfig    = "grub/grub.cfg"
	grubMachine   = "grub/machine/" // followed by 01-MAC/u-UUID/s-SERIAL, as the first configuration says
)

// grubFiles are what the signed way fetches by TFTP besides shim itself: Debian's signed GRUB has no HTTP.
var grubFiles = map[string]bool{"grubx64.efi": true, "ramdisk/vmlinuz": true, "ramdisk/initrd": true}

//go:embed grub/*.cfg.tmpl
var grubTemplates embed.FS

var grubConfigs = template.Must(template.New("").Option("missingkey=error").ParseFS(grubTemplates, "grub/*.cfg.tmpl"))

// Resolver opens what is served by TFTP beside the loaders, for the client at an address. For a name that it
// does not have the error is fs.ErrNotExist.
type Resolver func(ctx context.Context, client netip.Addr, name string) (file io.ReadSeekCloser, size int64, err error)

// NewGRUB makes the Resolver of the signed way: GRUB's configurations, which are rendered from the same decision
// as iPXE's scripts and are bound to the holder of the address as they are, and the kernel and ramdisk.
func NewGRUB(opt HTTPOptions) (Resolver, error) {
	h, err := newHandler(opt)
	if err != nil {
		return nil, err
	}
	return h.grubFile, nil
}

func (h *handler) grubFile(ctx context.Context, client netip.Addr, name string) (io.ReadSeekCloser, int64, error) {
	switch {
	case grubFiles[name]:
		return h.opt.Files.Open(name)
	case name == grubConfig || name == grubConfigEFI:
		body, err := renderGRUB(scriptStart, script{})
		return content(body), int64(len(body)), err
	case strings.HasPrefix(name, grubMachine):
		body := h.grubScript(ctx, grubClient(client, name))
		return content(body), int64(len(body)), nil
	default:
		return nil, 0, fmt.Errorf("opening %.100q: %w", name, fs.ErrNotExist)
	}
}

// grubClient reads who asks from the name that the first configuration makes. Parts that are not what they
// should be are dropped, as in the query of iPXE.
func grubClient(addr netip.Addr, name string) Client {
	c := Client{Arch: ArchEFIX64, Addr: addr}
	mac, rest, _ := strings.Cut(strings.TrimPrefix(name, grubMachine), "/")
	if len(name) > maxQuery || !strings.HasPrefix(mac, "01-") {
		return c
	}
	c.MAC = inventory.NormalizeMAC(mac[len("01-"):])
	uuid, serial, _ := strings.Cut(rest, "/")
	if uuid = strings.ToLower(strings.TrimPrefix(uuid, "u-")); okUUID.MatchString(uuid) {
		c.UUID = uuid
	}
	if s, ok := strings.CutPrefix(serial, "s-"); ok {
		c.Serial = text(s)
	}
	return c
}

// grubScript renders the decision for one machine. Its outcomes and their evidence are those of serveScript.
func (h *handler) grubScript(ctx context.Context, c Client) []byte {
	name, plan := h.answer(ctx, c)
	c.Arch = ArchUnknown // GRUB hands the ramdisk over itself: the kernel needs no word about it
	s, err := newScript(h.opt.BootURL, c, plan)
	var body []byte
	if err == nil {
		body, err = renderGRUB(name, s)
	}
	if err != nil {
		h.opt.Log.Error("GRUB's configuration cannot be made, the machine is told to wait", "mac", c.MAC, "machine", plan.Machine, "err", err)
		name = scriptUnavailable
		if body, err = renderGRUB(name, script{}); err != nil {
			h.opt.Log.Error("GRUB's configuration cannot be made", "err", err)
		}
	}
	h.opt.Recorder.Record(inventory.Evidence{Time: h.opt.Now(), MAC: c.MAC, Machine: plan.Machine, Source: "tftp",
		Kind: inventory.SawScript, Outcome: scriptOutcome(name), Client: inventory.StageLoader, File: name, Addr: c.Addr, Total: int64(len(body)),
		Asked: fmt.Sprintf("GRUB script serial=%.40q from %s", c.Serial, c.Addr), Reply: "script " + name, Bytes: int64(len(body))})
	return body
}

func renderGRUB(name string, s script) ([]byte, error) {
	var b bytes.Buffer
	if err := grubConfigs.ExecuteTemplate(&b, name+".cfg.tmpl", s); err != nil {
		return nil, fmt.Errorf("rendering GRUB configuration %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Words are the parts of the kernel command line.
func (s script) Words() []string { return strings.Fields(s.Params) }

// rendered is a file of memory.
type rendered struct{ *bytes.Reader }

func content(b []byte) rendered { return rendered{bytes.NewReader(b)} }

// Close implements io.Closer.
func (rendered) Close() error { return nil }
