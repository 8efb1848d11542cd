package bmc_test

import (
	"net/http"
	"strings"
	"testing"

	"socle/bmc"
	"socle/inventory"
	"socle/lab/redfish"
)

const anImage = "http://198.18.0.1:8080/boot/ramdisk.iso"

// testMedia inserts, lists and ejects. IPMI has no virtual media, and says so.
func testMedia(t *testing.T, d *bmc.Driver, p *peer) {
	if p.target.Protocol == inventory.IPMI {
		_, err := d.Media(t.Context(), p.target)
		mustBe(t, err, bmc.ErrUnsupported, "no virtual media")
		_, err = d.InsertMedia(t.Context(), p.target, anImage)
		mustBe(t, err, bmc.ErrUnsupported, "no virtual media")
		_, err = d.EjectMedia(t.Context(), p.target, nil)
		mustBe(t, err, bmc.ErrUnsupported, "no virtual media")
		return
	}
	wantDrive(t, d, p.target, "")
	for range 2 { // there already: nothing is done
		if s, err := d.InsertMedia(t.Context(), p.target, anImage); err != nil || s.ID != "CD" || s.Image != anImage {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	wantDrive(t, d, p.target, anImage)
	_, err := d.InsertMedia(t.Context(), p.target, anImage+"2")
	mustBe(t, err, bmc.ErrUnsupported, "eject that first")
	if all, err := d.EjectMedia(t.Context(), p.target, func(string) bool { return false }); err != nil || !all[0].Inserted {
		t.Errorf("somebody else's medium was ejected: %+v, %v", all, err)
	}
	for range 2 { // empty already
		if _, err := d.EjectMedia(t.Context(), p.target, func(image string) bool { return image == anImage }); err != nil {
			t.Fatal(err)
		}
	}
	wantDrive(t, d, p.target, "")
}

func wantDrive(t *testing.T, d *bmc.Driver, to bmc.Target, image string) {
	t.Helper()
	all, err := d.Media(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.ID == "CD" && (s.Image != image || s.Inserted != (image != "")) {
			t.Errorf("drive %+v, want %q", s, image)
		}
	}
}

// testOverride chooses every device that the protocol knows, once and always, and takes the choice back. A
// controller that keeps nothing for always is not believed.
func testOverride(t *testing.T, d *bmc.Driver, p *peer) {
	if p.once { // what it takes and does not keep is soon told
		d = bmc.New(brief)
	}
	for _, want := range []bmc.Override{
		{Device: bmc.BootPXE, UEFI: true}, {Device: bmc.BootCD, Always: true, UEFI: true}, {Device: bmc.BootSetup, UEFI: true},
		{Device: bmc.BootPXE, Always: true, UEFI: true}, {Device: bmc.BootDisk, Always: true, UEFI: true}, {Device: bmc.BootNone},
		{Device: bmc.BootCD, UEFI: true}, {Device: bmc.BootNone},
	} {
		for _, set := range []bool{true, false} {
			got, err := bmc.Override{}, error(nil)
			if set {
				got, err = d.SetOverride(t.Context(), p.target, want)
			} else {
				got, err = d.Override(t.Context(), p.target)
			}
			if p.once && want.Always {
				if set {
					mustBe(t, err, bmc.ErrReadBack, "and not every boot from")
				}
				continue
			}
			if err != nil || got.Device != want.Device || got.Always != want.Always {
				t.Errorf("set %v: %+v, %v; want %+v", set, got, err, want)
			}
		}
	}
	_, err := d.SetOverride(t.Context(), p.target, bmc.Override{Device: bmc.BootHTTP, UEFI: true})
	if p.target.Protocol == inventory.IPMI {
		mustBe(t, err, bmc.ErrUnsupported, "no HTTP boot")
	} else if err != nil {
		t.Error(err)
	}
}

// TestMediaWithWrongETags: a drive that is filled by a change is filled although its ETag is never the right one.
func TestMediaWithWrongETags(t *testing.T) {
	b, _, target := shaped(t, "x11")
	b.Faults().Add(redfish.Fault{Kind: redfish.WrongETag})
	if _, err := bmc.New(usual).InsertMedia(t.Context(), target, anImage); err != nil || b.Medium("CD") != anImage {
		t.Errorf("%q, %v", b.Medium("CD"), err)
	}
}

// TestMediaReadBack: what a controller accepts and does not do is not believed, neither of a medium that went in nor of one
// that came out.
func TestMediaReadBack(t *testing.T) {
	p, faults, _ := shapedPeer(t, "generic")
	p.ignore(t)
	_, err := bmc.New(brief).InsertMedia(t.Context(), p.target, anImage)
	mustBe(t, err, bmc.ErrReadBack, "drive CD is empty")
	faults.Clear()
	if _, err := bmc.New(brief).InsertMedia(t.Context(), p.target, anImage); err != nil {
		t.Fatal(err)
	}
	p.ignore(t)
	_, err = bmc.New(brief).EjectMedia(t.Context(), p.target, nil)
	mustBe(t, err, bmc.ErrReadBack, "drive CD still holds a medium")
}

// TestImageURL: what a controller must not be given never reaches it, and no error repeats it.
func TestImageURL(t *testing.T) {
	b, _, target := shaped(t, "generic")
	for image, want := range map[string]string{
		"http://operator:Pa55word@198.18.0.1/a.iso":     "user or password",
		"http://operator@198.18.0.1/a.iso":              "user or password",
		"ftp://198.18.0.1/a.iso":                        "http://HOST/PATH",
		"file:///etc/shadow":                            "http://HOST/PATH",
		"http:///a.iso":                                 "http://HOST/PATH",
		"http://198.18.0.1/a b.iso":                     "%XX",
		"http://198.18.0.1/%zz":                         "no URL",
		"http://198.18.0.1/" + strings.Repeat("a", 300): "255 at most",
	} {
		_, err := bmc.New(brief).InsertMedia(t.Context(), target, image)
		mustBe(t, err, bmc.ErrUnsupported, want)
		if err != nil && strings.Contains(err.Error(), "Pa55word") {
			t.Errorf("the error repeats it: %v", err)
		}
	}
	for _, r := range b.Requests() {
		t.Errorf("it was asked: %s %s", r.Method, r.Path)
	}
	// The URL of an image may be what gives access to it: errors do not tell it.
	b.Faults().Add(redfish.Fault{Kind: redfish.Error, Methods: []string{http.MethodPost}, Path: "/redfish/v1/Managers/**"})
	_, err := bmc.New(brief).InsertMedia(t.Context(), target, anImage)
	if err == nil || strings.Contains(err.Error(), anImage) {
		t.Errorf("the error tells the image: %v", err)
	}
}
