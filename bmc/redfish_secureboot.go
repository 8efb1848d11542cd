package bmc

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"socle/inventory"
)

// maxKeys bounds the entries of one key database that are read.
const maxKeys = 500

// secureBootDoc is what is read of the schema SecureBoot.
type secureBootDoc struct {
	path                  string
	SecureBootEnable      bool
	SecureBootCurrentBoot string
	SecureBootMode        string
	SecureBootDatabases   link
	Actions               struct {
		ResetKeys struct {
			Target string               `json:"target"`
			Types  []inventory.KeyReset `json:"ResetKeysType@Redfish.AllowableValues"`
		} `json:"#SecureBoot.ResetKeys"`
	}
}

func (r *redfishReader) secureBootDoc(ctx context.Context) (d secureBootDoc, etag string, err error) {
	s, err := r.place(ctx)
	if err != nil {
		return d, "", err
	}
	none := fmt.Errorf("%w: it shows no Secure Boot; the firmware may boot in legacy (BIOS) mode", ErrUnsupported)
	if !s.SecureBoot.ok() {
		return d, "", none
	}
	d.path = s.SecureBoot.ID
	if etag, err = r.getTagged(d.path, &d); absent(err) {
		return d, "", none
	}
	return d, etag, redfishError(ctx, err)
}

// secureBoot implements secured.
func (r *redfishReader) secureBoot(ctx context.Context, keys bool) (sb inventory.SecureBoot, err error) {
	d, _, err := r.secureBootDoc(ctx)
	if err != nil {
		return sb, err
	}
	sb = inventory.SecureBoot{Enabled: d.SecureBootEnable, Active: d.SecureBootCurrentBoot == "Enabled", Mode: d.SecureBootMode, Resets: d.Actions.ResetKeys.Types}
	if keys && d.SecureBootDatabases.ok() {
		sb.Databases, err = r.keyDatabases(ctx, d.SecureBootDatabases.ID)
	}
	return sb, err
}

// keyDatabases reads the lists of keys; those of the factory's defaults are left out.
func (r *redfishReader) keyDatabases(ctx context.Context, path string) ([]inventory.KeyDatabase, error) {
	members, err := r.collection(path, 32)
	if absent(err) {
		return nil, nil
	} else if err != nil {
		return nil, redfishError(ctx, err)
	}
	all := []inventory.KeyDatabase{}
	for _, raw := range members {
		var m struct {
			DatabaseID   string `json:"DatabaseId"`
			Certificates link
			Signatures   link
		}
		if json.Unmarshal(raw, &m) != nil || !isDatabase(m.DatabaseID) {
			continue
		}
		db := inventory.KeyDatabase{Name: m.DatabaseID, Certificates: []inventory.KeyCertificate{}}
		if m.Certificates.ok() {
			if db.Certificates, err = r.keyCertificates(ctx, m.Certificates.ID); err != nil {
				return nil, err
			}
		}
		if m.Signatures.ok() {
			var list struct{ Members []link }
			if err := r.get(m.Signatures.ID, &list); err != nil && !absent(err) {
				return nil, redfishError(ctx, err)
			}
			db.Signatures = len(list.Members)
		}
		all = append(all, db)
	}
	return all, nil
}

func isDatabase(id string) bool {
	switch id {
	case "PK", "KEK", "db", "dbx", "dbr", "dbt":
		return true
	}
	return false
}

func (r *redfishReader) keyCertificates(ctx context.Context, path string) ([]inventory.KeyCertificate, error) {
	members, err := r.collection(path, maxKeys)
	if err != nil && !absent(err) {
		return nil, redfishError(ctx, err)
	}
	all := []inventory.KeyCertificate{}
	for _, raw := range members {
		all = append(all, keyCertificate(raw))
	}
	return all, nil
}

// keyCertificate reads one entry of the schema Certificate: by the certificate itself where it is there, else by what
// the controller says of it.
func keyCertificate(raw json.RawMessage) (c inventory.KeyCertificate) {
	type name struct{ CommonName, Organization string }
	var m struct {
		CertificateString string
		Subject, Issuer   name
		ValidNotAfter     string
	}
	if json.Unmarshal(raw, &m) != nil {
		return c
	}
	said := func(n name) string {
		if n.CommonName != "" {
			return "CN=" + n.CommonName
		}
		return n.Organization
	}
	c.Subject, c.Issuer = said(m.Subject), said(m.Issuer)
	if at, err := time.Parse(time.RFC3339, m.ValidNotAfter); err == nil {
		c.NotAfter = at
	}
	if block, _ := pem.Decode([]byte(m.CertificateString)); block != nil {
		if x, err := x509.ParseCertificate(block.Bytes); err == nil {
			sum := sha256.Sum256(x.Raw)
			c = inventory.KeyCertificate{Subject: x.Subject.String(), Issuer: x.Issuer.String(), NotAfter: x.NotAfter, SHA256: hex.EncodeToString(sum[:])}
		}
	}
	return c
}

// setSecureBoot implements secured.
func (r *redfishReader) setSecureBoot(ctx context.Context, on bool) error {
	d, etag, err := r.secureBootDoc(ctx)
	if err != nil || d.SecureBootEnable == on {
		return err
	}
	return r.patch(ctx, d.path, etag, map[string]any{"SecureBootEnable": on})
}

// resetKeys implements secured.
func (r *redfishReader) resetKeys(ctx context.Context, k inventory.KeyReset) error {
	d, _, err := r.secureBootDoc(ctx)
	if err != nil {
		return err
	}
	target := link{d.Actions.ResetKeys.Target}
	if !target.ok() {
		return fmt.Errorf("%w: it offers no reset of the Secure Boot keys", ErrUnsupported)
	}
	if types := d.Actions.ResetKeys.Types; len(types) > 0 && !slices.Contains(types, k) {
		return fmt.Errorf("%w: it offers no %s for the keys, but %v", ErrUnsupported, k, d.Actions.ResetKeys.Types)
	}
	return r.post(ctx, target.ID, map[string]any{"ResetKeysType": k})
}
