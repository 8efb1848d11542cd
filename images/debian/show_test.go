package debian

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const shown = `Package: linux-image-amd64
Source: linux-signed-amd64 (6.1.192+2)
Version: 6.1.192-2
Architecture: amd64
Depends: linux-image-6.1.0-56-amd64 (= 6.1.192-2), initramfs-tools (>= 0.120) | linux-initramfs-tool, python3:any
Description: Linux for 64-bit PCs (meta-package)
 Version: this is text
Filename: pool/updates/main/l/linux-signed-amd64/linux-image-amd64_6.1.192-2_amd64.deb
SHA256: ABCDEF

Package: other
Version: 1
`

func TestParseShow(t *testing.T) {
	want := Package{
		Name: "linux-image-amd64", Version: "6.1.192-2", Arch: "amd64", SHA256: "abcdef",
		File:    "linux-image-amd64_6.1.192-2_amd64.deb",
		Depends: []string{"linux-image-6.1.0-56-amd64", "initramfs-tools", "python3"},
	}
	got, err := parseShow(shown)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, field := range []string{"Filename", "SHA256", "Version"} {
		_, err := parseShow(strings.ReplaceAll(shown, "\n"+field+":", "\nX-"+field+":"))
		if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), field) {
			t.Errorf("without %s: error %v", field, err)
		}
	}
	if _, err := parseShow(""); !errors.Is(err, ErrUnknown) {
		t.Errorf("empty: %v", err)
	}
}

func FuzzParseShow(f *testing.F) {
	f.Add(shown)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseShow(text)
		if err == nil && (strings.Contains(p.File, "/") || !strings.HasSuffix(p.File, ".deb") || p.SHA256 == "") {
			t.Errorf("accepted %+v", p)
		}
	})
}
