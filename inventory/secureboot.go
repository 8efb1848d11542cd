package inventory

import "time"

// Modes of Secure Boot (DMTF schema SecureBoot, SecureBootMode; UEFI section 32.3).
const (
	SecureBootSetup    = "SetupMode" // without a platform key: everything boots, and everybody may put keys in
	SecureBootUser     = "UserMode"
	SecureBootAudit    = "AuditMode"
	SecureBootDeployed = "DeployedMode"
)

// SecureBoot is what a BMC says of its server's Secure Boot.
type SecureBoot struct {
	Enabled   bool   // at the next boot
	Active    bool   // at the present one
	Mode      string // of the keys; empty: it does not say
	Resets    []KeyReset
	Databases []KeyDatabase // nil: it does not show them
}

// KeyReset is something that can be done to all keys (DMTF schema SecureBoot, ResetKeysType).
type KeyReset string

// The resets.
const (
	KeysDefault  KeyReset = "ResetAllKeysToDefault"
	KeysDelete   KeyReset = "DeleteAllKeys"
	KeysDeletePK KeyReset = "DeletePK"
)

// Leads tells which mode a reset leads to.
func (k KeyReset) Leads(mode string) bool {
	if k == KeysDefault {
		return mode == SecureBootUser || mode == SecureBootDeployed
	}
	return mode == SecureBootSetup
}

// Diff tells how the state differs from what was ordered, as with other settings. Nothing shows that a reset of the keys
// waits for a boot, so that it counts as waiting until the mode is the one that it leads to.
func (s SecureBoot) Diff(on *bool, keys KeyReset) (all []Difference) {
	if on != nil && s.Active != *on {
		d := Difference{Name: "Secure Boot", Now: s.Active, Want: *on}
		if s.Enabled == *on {
			d.Pending = *on
		}
		all = append(all, d)
	}
	if keys != "" && !keys.Leads(s.Mode) {
		all = append(all, Difference{Name: "Secure Boot keys", Now: s.Mode, Pending: string(keys), Want: string(keys)})
	}
	return all
}

// KeyDatabase is one of the lists by which a firmware checks what it boots: PK, KEK, db, dbx.
type KeyDatabase struct {
	Name         string
	Certificates []KeyCertificate
	Signatures   int // entries that are no certificates, such as hashes
}

// KeyCertificate is a certificate in such a list.
type KeyCertificate struct {
	Subject  string
	Issuer   string
	NotAfter time.Time
	SHA256   string // of the whole, hex; empty when the BMC does not show it
}
