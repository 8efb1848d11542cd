package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"socle/api"
)

// TestWrongCallsAreUsage: whatever is called wrongly says how it is called, with the exit code for it.
func TestWrongCallsAreUsage(t *testing.T) {
	for line, want := range map[string]string{
		"nonsense":                   `unknown command "nonsense": see socle --help`,
		"serv":                       "did you mean serve?",
		"serve extra":                "see socle serve --help",
		"serve --nonsense":           "see socle serve --help",
		"image nonsense":             "see socle image --help",
		"image import":               "socle image import SOURCE",
		"image build toaster":        "choose from ramdisk",
		"lab nonsense":               "see socle lab --help",
		"lab power hv01":             "on|off|cycle|reset|soft",
		"lab power hv01 explode":     "use one of",
		"lab boot hv01 floppy":       "use one of [pxe disk none]",
		"lab fault hv01 fire on":     "use one of [bmc-silent no-link]",
		"probe dhcp":                 "name the interface with -i",
		"probe dhcp -i nothing0":     "nothing0 does not exist",
		"probe dhcp -i lo --relay x": `--relay "x" is no IPv4 address`,
		"power foo":                  `unknown command "foo": see socle power --help`,
		"machine show a b":           "socle machine show NAME",
		"image import --nonsense x":  "see socle image import --help",
		"machine list --timeout now": "see socle machine list --help",
	} {
		root := newRoot()
		root.SetArgs(strings.Fields(line))
		err := root.ExecuteContext(t.Context())
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("socle %s: exit code %d, error %v, want one with %q", line, exitCode(err), err, want)
		}
	}
}

func TestHint(t *testing.T) {
	if h := hint(api.NewProblem(http.StatusUnauthorized, "", "")); !strings.Contains(h, "--token-file") {
		t.Errorf("for a refused token the hint is %q", h)
	}
	if h := hint(errors.New("x")); h != "" {
		t.Errorf("for any error the hint is %q", h)
	}
}
