package cloud

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckDisks(t *testing.T) {
	a := netip.MustParseAddr("198.18.0.20")
	tests := map[string]struct {
		disks []Disk
		want  string
	}{
		"good":       {[]Disk{{a, "d1", 1}, {a, "d2", 1}}, ""},
		"none":       {nil, "no disks"},
		"no address": {[]Disk{{netip.Addr{}, "d1", 1}}, "has no address"},
		"bad label":  {[]Disk{{a, "d1 --yes", 1}}, "no label"},
		"twice":      {[]Disk{{a, "d1", 1}, {a, "d1", 2}}, "there twice"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := checkDisks(tt.disks)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestReplicasNeverShareADisk(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 3, 4: 3, 40: 3} {
		if got := replicas(make([]Disk, n)); got != want {
			t.Errorf("%d disks keep %d copies, want %d", n, got, want)
		}
	}
}

func TestSecretsStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	a, err := openSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openSecrets(path)
	if err != nil || a != b || len(a.Key) < 32 || a.Key == a.HashSuffix {
		t.Errorf("first %d, then %d characters (%v)", len(a.Key), len(b.Key), err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", st.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openSecrets(path); err == nil {
		t.Error("damaged secrets were replaced silently")
	}
}

func TestStartNeedsTheTree(t *testing.T) {
	_, err := Start(t.Context(), Options{RootDir: t.TempDir(), StateDir: t.TempDir(), Address: netip.MustParsePrefix("127.0.0.5/8")})
	if err == nil || !strings.Contains(err.Error(), "build it first") {
		t.Errorf("got %v", err)
	}
}
