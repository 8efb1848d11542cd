package bmc

import (
	"encoding/json"
	"testing"
)

// FuzzSlot reads drives as a stranger describes them: no answer makes one that is empty and holds an image, or leads to
// another host.
func FuzzSlot(f *testing.F) {
	for _, seed := range []string{
		`{"@odata.id":"/redfish/v1/Managers/1/VirtualMedia/CD","Id":"CD","MediaTypes":["CD","DVD"],"Inserted":false,"Image":"http://h/a.iso"}`,
		`{"@odata.id":"/x","MediaTypes":["CD"],"ConnectedVia":"URI","ImageName":"a.iso"}`,
		`{"@odata.id":"//evil/x","Actions":{"#VirtualMedia.InsertMedia":{"target":"https://evil/"},"#VirtualMedia.EjectMedia":{"target":"/y"}}}`,
		`{"MediaTypes":null,"Inserted":null,"Image":null,"WriteProtected":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var d slotDoc
		if json.Unmarshal(text, &d) != nil {
			return
		}
		s := d.slot()
		if !s.Inserted && s.Image != "" {
			t.Errorf("empty, and holds %q", s.Image)
		}
		for _, at := range []string{s.insertAt, s.ejectAt} {
			if at != "" && !(link{at}).ok() {
				t.Errorf("leads to %q", at)
			}
		}
	})
}
