package main

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"socle/api"
	"socle/hardware"
	"socle/images/iso"
)

// imageMedium is the result of "socle image build iso".
type imageMedium struct {
	Machine string    `json:"machine"`
	File    string    `json:"file"`
	Bytes   int64     `json:"bytes"`
	SHA256  string    `json:"sha256"`
	Expires time.Time `json:"expires"`
}

// imageISO is one run of the command.
type imageISO struct {
	*imageFlags
	clientFlags
	machine, out string
	api.MediumRequest
}

func imageISOCmd(f *imageFlags) *cobra.Command {
	b := &imageISO{imageFlags: f}
	cmd := &cobra.Command{
		Use: "iso --machine NAME [--address ADDRESS/LENGTH] [--gateway ADDRESS]", Args: cobra.NoArgs,
		Short: "Build a medium (CD, USB stick, virtual media) that boots one server without network boot",
		Long: `Build a medium that boots the ramdisk on one server on which nothing can be booted from the network: an ISO image
that is a disk image as well, for BIOS and UEFI, also with Secure Boot. Write it to a stick with dd, or insert it as
virtual media of the BMC.

The medium holds a token for this machine, so the file is readable by its owner only. It may boot the server several
times until it expires, and no server with another serial number; a newer medium makes it useless.

The ramdisk and the boot files must be built on this host, and the server must run: it gives the token.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return b.run(cmd) },
	}
	p := cmd.Flags()
	p.StringVar(&b.machine, "machine", "", "name, serial number or ID of the machine that it boots")
	p.StringVar(&b.Address, "address", "", "the ramdisk's address and the length of its network, such as 198.18.0.50/24 (default: by DHCP)")
	p.StringVar(&b.Gateway, "gateway", "", "default router")
	p.StringVar(&b.MAC, "mac", "", "MAC address of the interface to use (default: any with a link)")
	p.StringVar(&b.ValidFor, "valid-for", "24h", "how long the medium may be used, at most 168h")
	p.StringVar(&b.out, "out", "", "file to write (default: NAME.iso)")
	p.StringVar(&b.server, "server", envOr("SOCLE_SERVER", defaultServer), "URL of the server (SOCLE_SERVER)")
	if err := cmd.MarkFlagRequired("machine"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

func (b *imageISO) run(cmd *cobra.Command) error {
	if _, err := b.open(); err != nil { // checks the output's name
		return err
	}
	b.clientFlags.dataDir, b.timeout = b.imageFlags.dataDir, 2*time.Minute
	c, err := b.client()
	if err != nil {
		return err
	}
	boot := func(name string) string { return b.path(filepath.Join(imageBootDir, name)) }
	o := iso.Options{Kernel: boot("ramdisk/vmlinuz"), Initrd: boot("ramdisk/initrd"), Shim: boot("shimx64.efi"), GRUB: boot("gcdx64.efi"),
		Log: imageLog(cmd.ErrOrStderr())}
	if err := o.Ready(); err != nil { // before a token is made, and an older medium useless
		return err
	}
	m, err := c.Medium(cmd.Context(), b.machine, b.MediumRequest)
	if err != nil {
		return err
	}
	if o.Out = b.out; o.Out == "" {
		o.Out = filepath.Base(m.Machine) + ".iso"
	}
	o.Params, o.Title = m.Params, "Socle: "+m.Machine
	made, err := iso.Build(cmd.Context(), o)
	if err != nil {
		return err
	}
	line := imageMedium{Machine: m.Machine, File: o.Out, Bytes: made.Bytes, SHA256: made.SHA256, Expires: m.Expires}
	return b.print(cmd, line, [][]string{
		{"MACHINE", "FILE", "SIZE", "EXPIRES", "NETWORK"},
		{line.Machine, line.File, hardware.Size(uint64(line.Bytes)), line.Expires.Local().Format(time.DateTime), network(b.MediumRequest)},
	})
}

func network(r api.MediumRequest) string {
	if r.Address == "" {
		return "by DHCP"
	}
	return strings.TrimSpace(r.Address + " " + r.Gateway)
}
