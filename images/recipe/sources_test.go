package recipe

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHostSources(t *testing.T) {
	const deb822Debian = `Types: deb
# a comment
URIs: http://mirror.example/debian
 http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
`
	tests := map[string]struct {
		files map[string]string
		want  string
	}{
		"deb822, and another vendor's": {
			map[string]string{
				"sources.list.d/debian.sources": deb822Debian,
				"sources.list.d/vendor.list":    "deb [signed-by=/x.gpg arch=amd64] http://vendor.example/apt bookworm-vendor main\n",
			},
			"deb http://mirror.example/debian bookworm main\ndeb http://mirror.example/debian bookworm-updates main\n" +
				"deb http://mirror.example/security bookworm-security main\n" +
				"deb http://second.example/debian bookworm main\ndeb http://second.example/debian bookworm-updates main\n",
		},
		"one line": {
			map[string]string{"sources.list": "# deb http://off.example bookworm main\ndeb [trusted=no arch=amd64] http://a.example/ bookworm main non-free\ndeb-src http://a.example/ bookworm main\n"},
			"deb http://a.example/ bookworm main\n",
		},
		"switched off":    {map[string]string{"sources.list.d/x.sources": "Enabled: no\n" + deb822Debian[:170]}, ""},
		"another release": {map[string]string{"sources.list": "deb http://a.example/ trixie main\n"}, ""},
		"updates alone":   {map[string]string{"sources.list": "deb http://a.example/ bookworm-updates main\n"}, ""},
		"broken options":  {map[string]string{"sources.list": "deb [arch=amd64 http://a.example/ bookworm main\n"}, ""},
		"nothing":         {nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			etc := t.TempDir()
			for f, text := range tt.files {
				path := filepath.Join(etc, f)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, hostSources(etc)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
