package verify

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/digitalocean/go-libvirt"

	"socle/seed"
)

// consoleWait is how long the guest has to say its line, on a slow or emulated host.
const consoleWait = 5 * time.Minute

// libvirt asks a hypervisor for its capabilities and starts a guest on it.
func (v *Verifier) libvirt(ctx context.Context, t Target) (evidence []string, err error) {
	t.Progress("asking libvirt for its capabilities")
	wait, cancel := context.WithTimeout(ctx, v.o.Patience)
	defer cancel()
	var h *hypervisor
	err = until(wait, 3*time.Second, func(ctx context.Context) error {
		h, err = v.connect(ctx, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("libvirt does not answer on port %d: %w: look at \"journalctl -u libvirtd -u socle-role\" on the server", seed.LibvirtPort, err)
	}
	defer h.close()
	about, err := h.describe()
	if err != nil {
		return nil, err
	}
	evidence = append(evidence, about.String())
	t.Progress("starting a guest and reading its console")
	line, took, err := h.guest(ctx, about.kind())
	if err != nil {
		return evidence, fmt.Errorf("no guest runs on it: %w", err)
	}
	return append(evidence, fmt.Sprintf("a %s guest was started and wrote %q on its console after %.1f s", about.kind(), line, took.Seconds())), nil
}

// hypervisor is one connection.
type hypervisor struct {
	l    *libvirt.Libvirt
	conn net.Conn
	stop func() bool
}

// dialer hands go-libvirt a connection that is open already.
type dialer struct{ conn net.Conn }

// Dial implements socket.Dialer.
func (d dialer) Dial() (net.Conn, error) { return d.conn, nil }

// connect opens a connection with mutual TLS. It is cut when ctx of the whole check ends, which is the only
// way to give go-libvirt's calls a deadline.
func (v *Verifier) connect(ctx context.Context, t Target) (*hypervisor, error) {
	if v.o.CA == nil {
		return nil, errors.New("there is no certificate authority to prove ourselves with")
	}
	client, err := v.o.CA.ClientCert(seed.ClientName)
	if err != nil {
		return nil, err
	}
	try, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	raw, err := v.o.Dial(try, "tcp", net.JoinHostPort(t.Address.String(), strconv.Itoa(seed.LibvirtPort)))
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, v.o.CA.ClientTLSConfig(client, t.Name))
	if err := admitted(try, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	h := &hypervisor{l: libvirt.NewWithDialer(dialer{conn}), conn: conn}
	h.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	bound := context.AfterFunc(try, func() { _ = conn.Close() })
	defer bound()
	if err := h.l.Connect(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening qemu:///system: %w", err), conn.Close())
	}
	if !bound() {
		return nil, fmt.Errorf("opening qemu:///system: %w", context.Cause(try))
	}
	return h, nil
}

// admitted makes the handshake and reads the byte by which libvirtd says whether it lets this client in
// (libvirt, src/rpc/virnetserverclient.c).
func admitted(ctx context.Context, conn *tls.Conn) error {
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("the TLS handshake: %w", err)
	}
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetReadDeadline(at)
		defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
	}
	var b [1]byte
	if _, err := conn.Read(b[:]); err != nil {
		return fmt.Errorf("libvirtd did not let the client %q in: %w", seed.ClientName, err)
	}
	if b[0] != 1 {
		return fmt.Errorf("libvirtd did not let the client %q in", seed.ClientName)
	}
	return nil
}

func (h *hypervisor) close() {
	h.stop()
	_ = h.conn.Close()
}

// capabilities is the part of libvirt's answer that matters here (libvirt.org/formatcaps.html).
type capabilities struct {
	Host struct {
		UUID string `xml:"uuid"`
		CPU  struct {
			Arch  string `xml:"arch"`
			Model string `xml:"model"`
		} `xml:"cpu"`
	} `xml:"host"`
	Guests []struct {
		OSType string `xml:"os_type"`
		Arch   struct {
			Name    string `xml:"name,attr"`
			Domains []struct {
				Type string `xml:"type,attr"`
			} `xml:"domain"`
		} `xml:"arch"`
	} `xml:"guest"`
}

// about is what a hypervisor says of itself.
type about struct {
	hostname, version, arch, cpu string
	kvm, emulated                bool
	memoryMiB                    uint64
	cpus                         int32
}

func (h *hypervisor) describe() (a about, err error) {
	if a.hostname, err = h.l.ConnectGetHostname(); err != nil {
		return a, fmt.Errorf("asking for the hostname: %w", err)
	}
	n, err := h.l.ConnectGetLibVersion()
	if err != nil {
		return a, fmt.Errorf("asking for the version: %w", err)
	}
	a.version = fmt.Sprintf("%d.%d.%d", n/1000000, n/1000%1000, n%1000)
	text, err := h.l.ConnectGetCapabilities()
	if err != nil {
		return a, fmt.Errorf("asking for the capabilities: %w", err)
	}
	if err := a.read(text); err != nil {
		return a, err
	}
	_, kib, cpus, _, _, _, _, _, err := h.l.NodeGetInfo()
	if err != nil {
		return a, fmt.Errorf("asking for the node: %w", err)
	}
	a.memoryMiB, a.cpus = kib/1024, cpus
	return a, nil
}

// read takes in the capabilities.
func (a *about) read(text string) error {
	var c capabilities
	if err := xml.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("reading the capabilities: %w", err)
	}
	a.arch, a.cpu = c.Host.CPU.Arch, c.Host.CPU.Model
	for _, g := range c.Guests {
		if g.OSType != "hvm" || g.Arch.Name != "x86_64" {
			continue
		}
		for _, d := range g.Arch.Domains {
			a.kvm = a.kvm || d.Type == "kvm"
			a.emulated = a.emulated || d.Type == "qemu"
		}
	}
	if !a.kvm && !a.emulated {
		return errors.New("it can run no x86-64 guests: is qemu-system-x86 in the image?")
	}
	return nil
}

// kind is the best type of guest that it can run.
func (a about) kind() string {
	if a.kvm {
		return "kvm"
	}
	return "qemu"
}

// String implements fmt.Stringer for the evidence.
func (a about) String() string {
	how := "KVM"
	if !a.kvm {
		how = "emulation only, its CPU offers no virtualization"
	}
	return fmt.Sprintf("libvirt %s on %s answers over TLS: %s, %d CPUs (%s), %d MiB, %s", a.version, a.hostname, a.arch, a.cpus, a.cpu, a.memoryMiB, how)
}

// nonce makes a guest's line one that nobody else wrote.
func nonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return hex.EncodeToString(b[:])
}
