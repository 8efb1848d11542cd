package pxe

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"text/template"

	"socle/inventory"
)

// grubTree is what GRUB finds below the root of TFTP on machines of an architecture. Debian's signed GRUB has the
// name of the configuration built in, and has no HTTP, so that kernel and ramdisk come by TFTP as well.
type grubTree struct {
	arch    Arch
	loader  string
	machine string // folder of the configurations of machines, followed by 01-MAC/u-UUID/s-SERIAL as the first one says
	failed  string // folder in which a configuration asks for 01-MAC/STEP to say what it gave up
	ramdisk string // folder of kernel and initramfs
}

var grubTrees = []grubTree{
	{ArchEFIX64, "grubx64.efi", "grub/machine-x86_64/", "grub/failed-x86_64/", "ramdisk"},
	{ArchEFIARM64, "grubaa64.efi", "grub/machine-arm64/", "grub/failed-arm64/", "ramdisk-arm64"},
}

// firstConfigs are the names of the first configuration that GRUB has built in; which one is asked for depends on who
// built it. All are the same: GRUB itself puts its architecture into what it asks for next.
var firstConfigs = []string{"grub/grub.cfg", "grub/x86_64-efi/grub.cfg", "grub/arm64-efi/grub.cfg"}

// serves tells whether a file is one that GRUB gets as it is.
func (t grubTree) serves(name string) bool {
	return name == t.loader || name == t.ramdisk+"/vmlinuz" || name == t.ramdisk+"/initrd"
}

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
	if slices.Contains(firstConfigs, name) {
		body, err := renderGRUB(scriptStart, grubTree{}, script{})
		return content(body), int64(len(body)), err
	}
	for _, t := range grubTrees {
		switch {
		case t.serves(name):
			return h.opt.Files.Open(name)
		case strings.HasPrefix(name, t.machine):
			body := h.grubScript(ctx, t, t.client(client, name))
			return content(body), int64(len(body)), nil
		case strings.HasPrefix(name, t.failed):
			return h.grubFailed(client, t, name)
		}
	}
	return nil, 0, fmt.Errorf("opening %.100q: %w", name, fs.ErrNotExist)
}

// client reads who asks from the name that the first configuration makes. Parts that are not what they
// should be are dropped, as in the query of iPXE.
func (t grubTree) client(addr netip.Addr, name string) Client {
	c := Client{Arch: t.arch, Addr: addr}
	mac, rest, _ := strings.Cut(strings.TrimPrefix(name, t.machine), "/")
	if len(name) > maxQuery || !strings.HasPrefix(mac, "01-") {
		return c
	}
	c.MAC = inventory.NormalizeMAC(mac[len("01-"):])
	uuid, serial, _ := strings.Cut(rest, "/")
	if uuid = strings.ToLower(strings.TrimPrefix(uuid, "u-")); okUUID(uuid) {
		c.UUID = uuid
	}
	if s, ok := strings.CutPrefix(serial, "s-"); ok {
		c.Serial = text(s)
	}
	return c
}

// saysFailure tells the names by which GRUB says what it gave up.
func saysFailure(name string) bool {
	return slices.ContainsFunc(grubTrees, func(t grubTree) bool { return strings.HasPrefix(strings.TrimLeft(name, "/"), t.failed) })
}

// grubFailed notes what GRUB gave up. GRUB can ask for files only, so it asks for one that says it.
func (h *handler) grubFailed(client netip.Addr, t grubTree, name string) (io.ReadSeekCloser, int64, error) {
	mac, step, _ := strings.Cut(strings.TrimPrefix(name, t.failed+"01-"), "/")
	f, ok := giveUpOf(step)
	if !ok {
		return nil, 0, fmt.Errorf("opening %.100q: %w", name, fs.ErrNotExist)
	}
	f.file = strings.Replace(f.file, "ramdisk/", t.ramdisk+"/", 1)
	h.gaveUp("tftp", "GRUB", Client{MAC: inventory.NormalizeMAC(mac), Addr: client}, f, 1, "")
	const noted = "# noted\n"
	return content([]byte(noted)), int64(len(noted)), nil
}

// grubScript renders the decision for one machine. Its outcomes and their evidence are those of serveScript.
func (h *handler) grubScript(ctx context.Context, t grubTree, c Client) []byte {
	name, plan := h.answer(ctx, c)
	s, err := newScript(h.opt.BootURL, c, plan)
	var body []byte
	if err == nil {
		body, err = renderGRUB(name, t, s)
	}
	if err != nil {
		h.opt.Log.Error("GRUB's configuration cannot be made, the machine is told to wait", "mac", c.MAC, "machine", plan.Machine, "err", err)
		name = scriptUnavailable
		if body, err = renderGRUB(name, t, script{}); err != nil {
			h.opt.Log.Error("GRUB's configuration cannot be made", "err", err)
		}
	}
	h.opt.Recorder.Record(inventory.Evidence{Time: h.opt.Now(), MAC: c.MAC, Machine: plan.Machine, Source: "tftp",
		Kind: inventory.SawScript, Outcome: scriptOutcome(name), Client: inventory.StageLoader, File: name, Addr: c.Addr, Total: int64(len(body)),
		Asked: fmt.Sprintf("GRUB script serial=%.40q from %s", c.Serial, c.Addr), Reply: "script " + name, Bytes: int64(len(body))})
	return body
}

// grubScript is what the templates of GRUB see.
type grubScript struct {
	script
	Ramdisk string // folder of kernel and initramfs
}

func renderGRUB(name string, t grubTree, s script) ([]byte, error) {
	g := grubScript{s, t.ramdisk}
	var b bytes.Buffer
	if err := grubConfigs.ExecuteTemplate(&b, name+".cfg.tmpl", g); err != nil {
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
