package seed

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"socle/inventory"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) // RFC 1123 label
	idForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)   // of an instance
	labelForm  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,11}$`)            // XFS labels have 12 bytes
	suffixForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,128}$`)               // no quoting in swift.conf
)

// maxSerial bounds what a hostile board can put into a file.
const maxSerial = 256

// check lists everything that is wrong with the input. Secrets are never part of the text.
func (in Input) check() error {
	var errs []error
	no := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	no(!nameForm.MatchString(in.Name), "the name is no host name: it needs 1 to 63 of a-z, 0-9 and inner hyphens")
	no(!idForm.MatchString(in.InstanceID), "the instance id %.40q is no word of letters, digits, . _ -", in.InstanceID)
	no(len(in.Serial) > maxSerial, "the serial has %d bytes, at most %d are allowed", len(in.Serial), maxSerial)
	no(in.MAC != "" && inventory.NormalizeMAC(in.MAC) != in.MAC, "the MAC %.40q is not of the form 52:54:00:aa:bb:cc", in.MAC)
	if len(in.CAPEM) > 0 {
		no(!isPEM(in.CAPEM, "CERTIFICATE"), "the authority's certificate is not PEM")
	}
	if !in.PhoneHomeURL.Empty() {
		u, err := url.Parse(in.PhoneHomeURL.Reveal())
		no(err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "", "the phone-home address is no http or https URL")
		no(err == nil && u.Scheme == "https" && len(in.CAPEM) == 0, "the phone-home address is https, and there is no authority to trust")
	}
	for i, k := range in.SSHKeys {
		no(!isSSHKey(k), "ssh key %d is no public key", i+1)
	}
	switch in.Role {
	case "":
	case Hypervisor:
		_, err := tls.X509KeyPair(in.ServerCertPEM, []byte(in.ServerKeyPEM.Reveal()))
		no(err != nil, "libvirt's server certificate and key do not parse or do not belong together")
		no(len(in.CAPEM) == 0, "a hypervisor needs the authority to tell Socle from others")
	case Storage:
		errs = append(errs, in.checkStorage()...)
	default:
		no(true, "no image knows the role %.40q: there are %s and %s", in.Role, Hypervisor, Storage)
	}
	return errors.Join(errs...)
}

func (in Input) checkStorage() (errs []error) {
	if !suffixForm.MatchString(in.SwiftHashSuffix.Reveal()) {
		errs = append(errs, errors.New("the hash suffix of Swift needs 8 to 128 letters, digits, _ or -"))
	}
	if len(in.DataDisks) == 0 {
		errs = append(errs, errors.New("a storage node needs at least one data disk"))
	}
	seen := map[string]bool{}
	for _, d := range in.DataDisks {
		if !labelForm.MatchString(d.Label) {
			errs = append(errs, fmt.Errorf("%.40q is no label of a data disk: it needs 1 to 12 of a-z, 0-9 and hyphens", d.Label))
		}
		if seen[d.Label] {
			errs = append(errs, fmt.Errorf("two data disks are labelled %q", d.Label))
		}
		seen[d.Label] = true
		if len(d.Serial) > maxSerial {
			errs = append(errs, fmt.Errorf("the serial of data disk %.40q has %d bytes, at most %d are allowed", d.Label, len(d.Serial), maxSerial))
		}
	}
	return errs
}

func isPEM(data []byte, kind string) bool {
	b, _ := pem.Decode(data)
	return b != nil && b.Type == kind
}

// isSSHKey takes one line without options: options can name commands.
func isSSHKey(line string) bool {
	if strings.ContainsAny(line, "\r\n") {
		return false
	}
	_, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	return err == nil && len(options) == 0 && len(rest) == 0
}
