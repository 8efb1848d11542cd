package lab

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/uuid"
)

// Complete fills in what was left out: identities are derived from the server's name, so that every run of a
// rack meets the same machines.
func (s Spec) Complete() Spec {
	if s.Accel == "" {
		s.Accel = AccelTCG
	}
	s.Servers = slices.Clone(s.Servers)
	next := s.Management.Masked().Addr()
	for range 11 {
		next = next.Next()
	}
	for i := range s.Servers {
		s.Servers[i] = s.Servers[i].complete(next)
		next = next.Next()
	}
	return s
}

func (s Server) complete(bmc netip.Addr) Server {
	if s.Manufacturer == "" {
		s.Manufacturer = "Socle"
	}
	if s.Product == "" {
		s.Product = "Lab"
	}
	if s.Boot == "" {
		s.Boot = NetPXE
	}
	if s.UUID == "" {
		s.UUID = uuid.NewSHA1(uuid.NameSpaceDNS, []byte(s.Name+".lab.socle")).String()
	}
	if len(s.NICs) == 0 {
		s.NICs = []NIC{{}}
	}
	if s.MemoryMiB == 0 {
		s.MemoryMiB = s.installed()
	}
	s.NICs = slices.Clone(s.NICs)
	for i := range s.NICs {
		if s.NICs[i].MAC == "" {
			s.NICs[i].MAC = MAC(s.Name, i)
		}
	}
	s.Disks = slices.Clone(s.Disks)
	for i := range s.Disks {
		if s.Disks[i].Transport == "" {
			s.Disks[i].Transport = "virtio"
		}
	}
	if !s.BMC.Address.IsValid() {
		s.BMC.Address = bmc
	}
	if s.BMC.MAC == "" {
		s.BMC.MAC = MAC(s.Name, bmcMAC)
	}
	return s
}

// installed is the memory of all modules, in MiB.
func (s Server) installed() (sum int) {
	for _, d := range s.DIMMs {
		sum += d.SizeMiB
	}
	return sum
}

// bmcMAC is the index that the BMC's own address is made with.
const bmcMAC = 255

// MAC derives an address from a server's name and the number of its interface, in the range that QEMU uses by
// custom (52:54:00), always the same for the same name.
func MAC(server string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "socle lab %s", server))
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", sum[0], sum[1], byte(n))
}
