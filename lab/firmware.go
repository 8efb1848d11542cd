package lab

import (
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// NetBoot is how a server's firmware boots from the network.
type NetBoot string

// The ways to boot from the network.
const (
	NetPXE   NetBoot = "pxe"   // PXE, and after it whatever else the firmware can
	NetPXE4  NetBoot = "pxe4"  // the same, but no PXE by IPv6, which takes over a minute to find that nobody answers
	NetHTTP  NetBoot = "http"  // UEFI HTTP boot only
	NetHTTPS NetBoot = "https" // the same, and the firmware trusts the certificates of the rack's https_ca
)

// Where Debian puts OVMF (package ovmf). The firmware of Secure Boot carries Microsoft's keys, as servers come.
const (
	ovmfCode       = "/usr/share/OVMF/OVMF_CODE_4M.fd"
	ovmfVars       = "/usr/share/OVMF/OVMF_VARS_4M.fd"
	ovmfSecureCode = "/usr/share/OVMF/OVMF_CODE_4M.ms.fd"
	ovmfSecureVars = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"
)

// The same for arm64 (package qemu-efi-aarch64).
const (
	aavmfCode       = "/usr/share/AAVMF/AAVMF_CODE.fd"
	aavmfVars       = "/usr/share/AAVMF/AAVMF_VARS.fd"
	aavmfSecureVars = "/usr/share/AAVMF/AAVMF_VARS.ms.fd"
)

// firmwarePackage is the Debian package that has a UEFI server's firmware.
func (s Server) firmwarePackage() string {
	if s.Arch == arm64 {
		return "qemu-efi-aarch64"
	}
	return "ovmf"
}

// ovmf is the firmware of a UEFI server: its code, and the variables that it begins with.
func (s Server) ovmf() (code, vars string) {
	switch {
	case s.Arch == arm64 && s.SecureBoot: // the same program: it enforces once it has a platform key
		return aavmfCode, aavmfSecureVars
	case s.Arch == arm64:
		return aavmfCode, aavmfVars
	case s.SecureBoot:
		return ovmfSecureCode, ovmfSecureVars
	default:
		return ovmfCode, ovmfVars
	}
}

// varsFile holds the firmware's variables; with Secure Boot they are others, with keys in them.
func (m machine) varsFile() string {
	if m.Server.SecureBoot {
		return filepath.Join(m.StateDir, "OVMF_VARS.ms.fd")
	}
	return filepath.Join(m.StateDir, "OVMF_VARS.fd")
}

// caFile is the list of certificates that the server's firmware trusts.
func (m machine) caFile() string { return filepath.Join(m.StateDir, "https-ca.esl") }

// firmware is the part of QEMU's command line that makes a UEFI server.
func (m machine) firmware() []string {
	s := m.Server
	if s.Firmware != UEFI {
		return nil
	}
	code, _ := s.ovmf()
	args := []string{
		"-drive", "if=pflash,unit=0,format=raw,readonly=on,file=" + code,
		"-drive", opts("if=pflash", "unit", "1", "format", "raw", "file", m.varsFile()),
	}
	if s.SecureBoot && s.Arch != arm64 {
		// The variables that decide on Secure Boot can be written from system management mode only.
		args = append(args, "-global", "driver=cfi.pflash01,property=secure,value=on")
	}
	// OVMF's own switches of its PXE client.
	if s.Boot == NetHTTP || s.Boot == NetHTTPS {
		args = append(args, "-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n")
	}
	if s.Boot != NetPXE {
		args = append(args, "-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n")
	}
	if s.Boot == NetHTTPS {
		args = append(args, "-fw_cfg", opts("name=etc/edk2/https/cacerts", "file", m.caFile()))
	}
	return args
}

// efiCertX509 is EFI_CERT_X509_GUID (UEFI 2.10 section 32.4.1) as it lies in memory.
var efiCertX509 = [16]byte{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}

// signatureLists turns certificates in PEM into EFI signature lists, one each (UEFI 2.10 section 32.4.1).
func signatureLists(text []byte) ([]byte, error) {
	const header, owner = 28, 16
	var out []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a %s is no certificate", block.Type)
		}
		size := uint32(owner + len(block.Bytes)) //nolint:gosec // a certificate is short
		out = append(out, efiCertX509[:]...)
		out = binary.LittleEndian.AppendUint32(out, header+size)
		out = binary.LittleEndian.AppendUint32(out, 0) // no header of the list's own
		out = binary.LittleEndian.AppendUint32(out, size)
		out = append(out, make([]byte, owner)...) // nobody in particular
		out = append(out, block.Bytes...)
	}
	if len(out) == 0 {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return out, nil
}

// trust writes down whom the server's firmware trusts. It is read at each power-on: the certificate may be newer than
// the rack.
func (m machine) trust() error {
	if m.Server.Boot != NetHTTPS {
		return nil
	}
	text, err := os.ReadFile(m.HTTPSCA)
	if err != nil {
		return fmt.Errorf("reading https_ca: %w", err)
	}
	lists, err := signatureLists(text)
	if err != nil {
		return fmt.Errorf("reading https_ca %s: %w", m.HTTPSCA, err)
	}
	return os.WriteFile(m.caFile(), lists, 0o600)
}

// makeVars makes the variables of a UEFI server, if they are not there yet.
func (m machine) makeVars() error {
	if m.Server.Firmware != UEFI {
		return nil
	}
	if _, err := os.Stat(m.varsFile()); err == nil {
		return nil
	}
	_, vars := m.Server.ovmf()
	if err := copyFile(m.varsFile(), vars); err != nil {
		return fmt.Errorf("making firmware variables of %s (Debian package %s): %w", m.Server.Name, m.Server.firmwarePackage(), err)
	}
	return nil
}
