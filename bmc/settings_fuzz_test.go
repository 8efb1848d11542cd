package bmc

import (
	"encoding/json"
	"testing"

	"socle/inventory"
)

// FuzzSettings: whatever a controller says of settings, their values and keys is read, and what is checked by it is
// what it is then compared with.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"AttributeName":"Delay","Type":"Integer","DefaultValue":60,"LowerBound":60,"UpperBound":240}`), []byte(`90`))
	f.Add([]byte(`{"AttributeName":"Sriov","Type":"Enumeration","Value":[{"ValueName":"On"},{"ValueName":"Off"}]}`), []byte(`"On"`))
	f.Add([]byte(`{"AttributeName":"Tag","Type":"String","MinLength":0,"MaxLength":0,"ReadOnly":true}`), []byte(`null`))
	f.Add([]byte(`{"CertificateString":"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----","Subject":{"CommonName":"x"},"ValidNotAfter":"soon"}`), []byte(`1e300`))
	f.Fuzz(func(t *testing.T, entry, value []byte) {
		keyCertificate(entry)
		var e registryEntry
		var v any
		if json.Unmarshal(entry, &e) != nil || json.Unmarshal(value, &v) != nil {
			return
		}
		a := e.attribute()
		b := inventory.Bios{Attributes: []inventory.Attribute{a}}
		got, err := b.Check(map[string]any{a.Name: v})
		if err == nil {
			b.Attributes[0].Value = got[a.Name]
			if diff := b.Diff(got); len(diff) != 0 {
				t.Errorf("%s is not what it is: %v", value, diff)
			}
		}
	})
}
