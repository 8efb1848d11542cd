package redfish

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"sync"
	"time"
)

// keyDatabases are the lists of keys of Secure Boot (schema SecureBootDatabase). The one for what must not boot has
// hashes, which have no content here.
var keyDatabases = []string{"PK", "KEK", "db", "dbx"}

// factoryKeys are the certificates of a server as it comes, one in each list but dbx. All controllers have the same.
var factoryKeys = sync.OnceValues(func() (map[string]string, error) {
	all := map[string]string{}
	for i, name := range keyDatabases[:3] {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		x := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "Virtual rack " + name, Organization: []string{"Socle"}},
			NotBefore: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2044, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		der, err := x509.CreateCertificate(rand.Reader, x, x, key.Public(), key)
		if err != nil {
			return nil, err
		}
		all[name] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return all, nil
})

// keysOf are the certificates of a list as they are now; the caller holds the lock.
func (b *BMC) keysOf(name string) (text string, err error) {
	if b.bios.keyState() == keysSetup && (b.bios.wiped || name == "PK") {
		return "", nil
	}
	all, err := factoryKeys()
	return all[name], err
}

func secureKeyRoutes() map[string]route {
	const at = root + "/Systems/{system}/SecureBoot/SecureBootDatabases"
	return map[string]route{
		at: {get: func(b *BMC, c *call) (object, error) {
			if err := b.showsKeys(c); err != nil {
				return nil, err
			}
			return collection(b.keysPath(), "SecureBootDatabaseCollection", "Key databases", below(b.keysPath(), keyDatabases...)...), nil
		}},
		at + "/{}": {get: func(b *BMC, c *call) (object, error) {
			if err := b.showsKeys(c); err != nil {
				return nil, err
			}
			path := b.keysPath() + "/" + c.ids[0]
			return resource(path, "SecureBootDatabase.v1_0_1", c.ids[0], c.ids[0]).with(object{
				"DatabaseId": c.ids[0], "Certificates": link(path + "/Certificates"),
			}), nil
		}},
		at + "/{}/Certificates": {get: func(b *BMC, c *call) (object, error) {
			text, err := b.shownKeys(c)
			if err != nil {
				return nil, err
			}
			path := b.keysPath() + "/" + c.ids[0] + "/Certificates"
			var ids []string
			if text != "" {
				ids = []string{"1"}
			}
			return collection(path, "CertificateCollection", "Certificates", below(path, ids...)...), nil
		}},
		at + "/{}/Certificates/1": {get: func(b *BMC, c *call) (object, error) {
			text, err := b.shownKeys(c)
			if err != nil {
				return nil, err
			}
			if text == "" {
				return nil, notFound(c.URL.Path)
			}
			return resource(b.keysPath()+"/"+c.ids[0]+"/Certificates/1", "Certificate.v1_5_0", "1", "Certificate").with(object{
				"CertificateString": text, "CertificateType": "PEM",
			}), nil
		}},
	}
}

func (b *BMC) keysPath() string { return b.system() + "/SecureBoot/SecureBootDatabases" }

// showsKeys refuses what is not there: the lists of a server without UEFI, of a shape without them, and unknown ones.
func (b *BMC) showsKeys(c *call) error {
	if !b.vm.Describe().UEFI || b.shape.Quirks.NoKeyDatabases || len(c.ids) > 0 && !slices.Contains(keyDatabases, c.ids[0]) {
		return notFound(c.URL.Path)
	}
	return nil
}

func (b *BMC) shownKeys(c *call) (string, error) {
	if err := b.showsKeys(c); err != nil {
		return "", err
	}
	return b.keysOf(c.ids[0])
}
