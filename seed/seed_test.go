package seed

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"socle/internal/pki"
	"socle/internal/secret"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	testCA  = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"
	testKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f someone@example"
)

func input() Input {
	return Input{
		Name: "st01", InstanceID: "0b9c3a52-deploy-2", Serial: "SN-ST01", MAC: "52:54:00:00:00:01",
		PhoneHomeURL: secret.New("https://198.18.0.1:8443/agent/v1/phone-home/tok"), CAPEM: []byte(testCA),
	}
}

func storage() Input {
	in := input()
	in.Role, in.SwiftHashSuffix = Storage, secret.New("0123456789abcdef")
	in.DataDisks = []DataDisk{{Label: "d1", Serial: "DISK-1"}, {Label: "d2", Serial: `D"2 $(reboot)`}}
	return in
}

func TestRenderGolden(t *testing.T) {
	keys := input()
	keys.SSHKeys, keys.MAC = []string{testKey}, ""
	foreign := input()
	foreign.Foreign = true
	for name, in := range map[string]Input{"plain": keys, "storage": storage(), "foreign": foreign} {
		t.Run(name, func(t *testing.T) {
			files, err := Render(in)
			if err != nil {
				t.Fatal(err)
			}
			for file, got := range files {
				path := filepath.Join("testdata", name+"."+file)
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
			}
		})
	}
}

// written reads user-data the way cloud-init does and returns its files.
func written(t *testing.T, files map[string]string) map[string]fileSet {
	t.Helper()
	if !strings.HasPrefix(files["user-data"], "#cloud-config\n") {
		t.Error("user-data does not begin with #cloud-config")
	}
	var u struct {
		Files []fileSet `yaml:"write_files"`
	}
	if err := yaml.Unmarshal([]byte(files["user-data"]), &u); err != nil {
		t.Fatal(err)
	}
	found := map[string]fileSet{}
	for _, f := range u.Files {
		found[f.Path] = f
	}
	return found
}

func TestHypervisorCertificates(t *testing.T) {
	ca, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.ServerCert([]string{"st01"}, []netip.Addr{netip.MustParseAddr("198.18.0.10")})
	if err != nil {
		t.Fatal(err)
	}
	in := input()
	in.Role, in.CAPEM = Hypervisor, ca.CertPEM()
	in.ServerCertPEM, in.ServerKeyPEM = pair.CertPEM, secret.New(string(pair.KeyPEM))
	files, err := Render(in)
	if err != nil {
		t.Fatal(err)
	}
	key := written(t, files)["/etc/pki/libvirt/private/serverkey.pem"]
	if key.Content != string(pair.KeyPEM) || key.Permissions != "0600" {
		t.Errorf("the key has mode %s", key.Permissions)
	}
	in.ServerKeyPEM = secret.New("no key")
	if _, err := Render(in); err == nil || strings.Contains(err.Error(), "no key") {
		t.Errorf("a bad key: %v", err)
	}
}

func TestRenderRefuses(t *testing.T) {
	tests := map[string]struct {
		change func(*Input)
		want   string
	}{
		"name with a newline":        {func(in *Input) { in.Name = "a\nruncmd: [reboot]" }, "no host name"},
		"name with a quote":          {func(in *Input) { in.Name = `a"b` }, "no host name"},
		"empty name":                 {func(in *Input) { in.Name = "" }, "no host name"},
		"huge name":                  {func(in *Input) { in.Name = strings.Repeat("a", 1<<20) }, "no host name"},
		"instance id":                {func(in *Input) { in.InstanceID = "$(id)" }, "instance id"},
		"huge serial":                {func(in *Input) { in.Serial = strings.Repeat("S", 1<<20) }, "serial has 1048576 bytes"},
		"MAC":                        {func(in *Input) { in.MAC = "52:54:00" }, "is not of the form"},
		"authority":                  {func(in *Input) { in.CAPEM = []byte("nonsense") }, "not PEM"},
		"https without an authority": {func(in *Input) { in.CAPEM = nil }, "no authority to trust"},
		"URL":                        {func(in *Input) { in.PhoneHomeURL = secret.New("file:///etc/passwd") }, "no http or https URL"},
		"ssh key with a command":     {func(in *Input) { in.SSHKeys = []string{`command="reboot" ` + testKey} }, "ssh key 1"},
		"ssh key with a second line": {func(in *Input) { in.SSHKeys = []string{testKey + "\n" + testKey} }, "ssh key 1"},
		"role":                       {func(in *Input) { in.Role = "database" }, "no image knows"},
		"hash suffix":                {func(in *Input) { in.SwiftHashSuffix = secret.New("a b\n[x]") }, "hash suffix"},
		"label with a slash":         {func(in *Input) { in.DataDisks[0].Label = "../etc" }, "no label"},
		"long label":                 {func(in *Input) { in.DataDisks[0].Label = "abcdefghijklm" }, "no label"},
		"equal labels":               {func(in *Input) { in.DataDisks[0].Label = "d2" }, "two data disks"},
		"no disks":                   {func(in *Input) { in.DataDisks = nil }, "at least one data disk"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := storage()
			tt.change(&in)
			files, err := Render(in)
			if err == nil || !strings.Contains(err.Error(), tt.want) || files != nil {
				t.Errorf("error %.200v: want one with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "tok") {
				t.Errorf("the token is in the error: %v", err)
			}
		})
	}
}

// FuzzSerial lets hostile serials through the marshaller: they come out as they went in, or are refused.
func FuzzSerial(f *testing.F) {
	for _, s := range []string{"SN1", "a\"b", "{{ .Name }}", "${IFS}", "x\ny: z", "\x00\xff", "---", "#!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, serial string) {
		in := input()
		in.Serial = serial
		files, err := Render(in)
		if err != nil {
			return
		}
		if n := len(written(t, files)); n != 3 {
			t.Errorf("%d files are written, want 3", n)
		}
	})
}
