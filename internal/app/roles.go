package app

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"socle/internal/config"
	"socle/internal/pki"
	"socle/internal/secret"
	"socle/inventory"
	"socle/provision"
	"socle/seed"
	"socle/verify"
)

// builtinRoles are those of a configuration that names none: a server with at least three disks stores, any
// other with a disk hosts guests.
func builtinRoles() []inventory.Role {
	return []inventory.Role{
		{Name: seed.Hypervisor, Image: seed.Hypervisor, Verify: verify.CheckLibvirt, Priority: 10, Match: inventory.Conditions{MinDisks: 1}},
		{Name: seed.Storage, Image: seed.Storage, Verify: verify.CheckSwift, Priority: 20, Match: inventory.Conditions{MinDisks: 3},
			SystemDisk: inventory.DiskRule{MinBytes: 1 << 30}, DataDisks: &inventory.DiskRule{MinCount: 2, Label: "d"}},
	}
}

// seeds renders the first boot of a deployed system.
type seeds struct {
	ca         *pki.CA
	images     provision.Images
	url        string
	hashSuffix secret.Secret
}

// Seed implements provision.Seeds.
func (s *seeds) Seed(_ context.Context, m inventory.Machine, role inventory.Role, token secret.Secret) (map[string]string, error) {
	_, image, err := s.images.Resolve(m.Deployed.Image)
	if err != nil {
		return nil, fmt.Errorf("looking what image %s is: %w", m.Deployed.Image, err)
	}
	in := seed.Input{Name: m.Name, Foreign: image.Recipe == nil, InstanceID: uuid.NewString(), Serial: m.Serial(), MAC: bootMAC(m), CAPEM: s.ca.CertPEM(),
		PhoneHomeURL: secret.New(s.url + "/agent/v1/phone-home/" + token.Reveal())}
	switch role.Verify {
	case verify.CheckLibvirt:
		in.Role = seed.Hypervisor
		var addrs []netip.Addr
		if m.Address.IsValid() {
			addrs = append(addrs, m.Address)
		}
		pair, err := s.ca.ServerCert([]string{m.Name}, addrs)
		if err != nil {
			return nil, fmt.Errorf("making the libvirt certificate: %w", err)
		}
		in.ServerCertPEM, in.ServerKeyPEM = pair.CertPEM, secret.New(string(pair.KeyPEM))
	case verify.CheckSwift:
		in.Role = seed.Storage
		in.SwiftHashSuffix = s.hashSuffix
		for _, d := range m.Deployed.DataDisks {
			in.DataDisks = append(in.DataDisks, seed.DataDisk{Label: d.Label})
		}
	}
	return seed.Render(in)
}

// bootMAC is the interface that got the ramdisk its address; empty when that is not known.
func bootMAC(m inventory.Machine) string {
	if m.Facts == nil {
		return ""
	}
	for _, n := range m.Facts.NICs {
		if n.Boot {
			return n.MAC
		}
	}
	return ""
}

// verifier lets the engine look at roles.
type verifier struct{ verify *verify.Verifier }

// Verify implements provision.Verifier.
func (v *verifier) Verify(ctx context.Context, t provision.Verification) ([]string, error) {
	if t.Role.Verify == "" || t.Role.Verify == "none" {
		return []string{"the role asks for no look from outside"}, nil
	}
	return v.verify.Verify(ctx, verify.Target{Name: t.Name, Address: t.Address, Role: t.Role, DataDisks: t.Data, Reboot: t.Reboot, Progress: t.Progress})
}

// hashSuffix is what all Swift nodes of this Socle hash names with; it is made once.
func (k *kit) hashSuffix() (secret.Secret, error) {
	file := k.config.Swift.HashSuffix
	if file == "" {
		file = filepath.Join(k.config.DataDir, "swift-hash-suffix")
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && k.config.Swift.HashSuffix == "" {
		text = []byte(uuid.NewString())
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return secret.Secret{}, fmt.Errorf("reading the Swift hash suffix: %w", err)
	}
	return secret.New(strings.TrimSpace(string(text))), nil
}

func swiftAccount(c config.Swift) (verify.Swift, error) {
	if c.URL == "" {
		return verify.Swift{}, nil
	}
	key, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return verify.Swift{}, fmt.Errorf("reading the key of the Swift account (swift.key_file): %w", err)
	}
	return verify.Swift{URL: c.URL, User: c.User, Key: secret.New(strings.TrimSpace(string(key)))}, nil
}
