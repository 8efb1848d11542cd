package manifest

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/sheet"
)

// What a line says of a server without a BMC, whose power is switched by a PDU or a webhook.
const (
	maxOutlets  = 8
	maxURL      = 512
	minSNMPPass = 8 // RFC 3414, section 11.2
)

// snmpUser is a user of SNMPv3: its name, and how it signs and encrypts if not by SHA and AES.
var snmpUser = regexp.MustCompile(`^[^:]+(:(sha|sha224|sha256|sha384|sha512):(aes|aes192|aes256))?$`)

// says tells whether the line names this protocol.
func (f *fieldReader) says(p inventory.Protocol) bool {
	return inventory.Protocol(strings.ToLower(f.Get("bmc_protocol"))) == p
}

// user is the account; of a PDU that of SNMPv3, and none for SNMP v2c; a webhook needs none.
func (f *fieldReader) user() string {
	if !f.says(inventory.PDU) && !f.says(inventory.Webhook) {
		f.NeedWith("bmc_user", "bmc_address")
		return f.Text("bmc_user")
	}
	v := f.Get("bmc_user")
	switch {
	case len([]rune(v)) > sheet.MaxText:
		f.Fail("bmc_user", "it has %d characters, at most %d are allowed", len([]rune(v)), sheet.MaxText)
	case f.says(inventory.PDU) && v != "" && !snmpUser.MatchString(v):
		f.Fail("bmc_user", "%s is no user of SNMPv3: write its name, or NAME:AUTH:PRIVACY with sha, sha224, sha256, sha384 or sha512, and aes, aes192 or aes256; nothing for SNMP v2c, whose community is the password", sheet.Quote(v))
	}
	return v
}

// outlets are those of the PDU that feed the server, by number or name.
func (f *fieldReader) outlets() (all []string) {
	v := f.Get("bmc_outlets")
	switch pdu := f.says(inventory.PDU); {
	case pdu && v == "":
		f.Fail("bmc_outlets", "it is empty: name the outlets that feed the server, by number or name, several separated by ;")
		return nil
	case !pdu && v != "":
		f.Fail("bmc_outlets", "only a server whose bmc_protocol is pdu has outlets")
		return nil
	case !pdu:
		return nil
	}
	for _, o := range strings.Split(v, ";") {
		o = strings.TrimSpace(o)
		switch {
		case o == "" || len([]rune(o)) > sheet.MaxText:
			f.Fail("bmc_outlets", "%s is no outlet: write its number or its name of at most %d characters", sheet.Quote(o), sheet.MaxText)
		case slices.Contains(all, o):
			f.Fail("bmc_outlets", "outlet %s is there twice", sheet.Quote(o))
		}
		all = append(all, o)
	}
	if len(all) > maxOutlets {
		f.Fail("bmc_outlets", "%d outlets for one server: at most %d are possible", len(all), maxOutlets)
	}
	return all
}

// url is where a webhook answers.
func (f *fieldReader) url() string {
	v := f.Get("bmc_address")
	if v == "" {
		f.Fail("bmc_address", "it is empty: a webhook has an address")
		return ""
	}
	plain := strings.NewReplacer("{machine}", "m", "{action}", "a").Replace(v)
	u, err := url.Parse(plain)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(v) > maxURL || strings.ContainsAny(plain, "{} ") {
		f.Fail("bmc_address", "%s is no address of a webhook: write https://host/path, with {machine} and {action} where the name and on, off or status belong", sheet.Quote(v))
	}
	return v
}

// private adds the second password of SNMPv3, that of privacy.
func (f *fieldReader) private(password secret.Secret) secret.Secret {
	v, _ := f.Raw("bmc_privacy")
	v3 := f.says(inventory.PDU) && f.Get("bmc_user") != ""
	switch {
	case v != "" && !v3:
		f.Fail("bmc_privacy", "only a user of SNMPv3 (bmc_protocol pdu, with a bmc_user) has a second password")
	case v3 && !password.Empty() && len(password.Reveal()) < minSNMPPass:
		f.Fail("bmc_password", "SNMPv3 has no passwords of less than %d characters", minSNMPPass)
	case v != "" && (len(v) < minSNMPPass || len(v) > maxPassword):
		f.Fail("bmc_privacy", "it has %d bytes: %d to %d are allowed", len(v), minSNMPPass, maxPassword)
	case v != "":
		return secret.Join(password, secret.New(v))
	}
	return password
}
