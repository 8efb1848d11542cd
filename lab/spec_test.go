package lab

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/internal/secret"
)

// samePassword compares secrets, which show themselves to nobody else.
var samePassword = cmp.Options{
	cmp.Comparer(func(a, b Password) bool { return a.Reveal() == b.Reveal() }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func TestReferenceFileIsTheDefault(t *testing.T) {
	got, err := Load("testdata/rack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, samePassword); diff != "" {
		t.Errorf("testdata/rack.yaml is not the default rack (-default +file):\n%s", diff)
	}
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
}

func TestParseRefuses(t *testing.T) {
	ref, err := os.ReadFile("testdata/rack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, from, to, want string }{
		{"unknown key", "firmware: bios", "fimware: bios", "fimware"},
		{"bad name", "name: demo", "name: my-very-long-lab", `name "my-very-long-lab"`},
		{"same serial", "serial: SCL-ST-0001", "serial: SCL-HV-0001", "serial SCL-HV-0001 is servers[0] (hv01)'s already"},
		{"same disk serial", "serial: ST01-D2", "serial: ST01-D1", "disk serial ST01-D1"},
		{"same unit", "u: 12", "u: 10", "rack unit r01/10"},
		{"BMC elsewhere", "address: 198.18.1.11", "address: 10.0.0.1", "10.0.0.1 is not in management"},
		{"BMC is the host", "address: 198.18.1.11", "address: 198.18.1.1", "198.18.1.1 is the host's"},
		{"quote in a password", "password: hv01-lab-secret", `password: 'a"b'`, "password: use"},
		{"option injection", "serial: HV01-SYS", "serial: 'HV01,bootindex=0'", `serial "HV01,bootindex=0"`},
		{"firmware", "firmware: uefi", "firmware: coreboot", `firmware "coreboot"`},
		{"transport", "transport: sata", "transport: floppy", `transport "floppy"`},
		{"overlap", "management: 198.18.1.0/24", "management: 198.18.0.0/24", "same network"},
		{"Secure Boot without UEFI", "firmware: bios", "firmware: bios\n    secure_boot: true", "secure_boot needs firmware uefi"},
		{"HTTP boot without UEFI", "firmware: bios", "firmware: bios\n    boot: http", "boot http needs firmware uefi"},
		{"HTTPS boot without a CA", "firmware: uefi", "firmware: uefi\n    boot: https", "needs the rack's https_ca"},
		{"boot", "firmware: uefi", "firmware: uefi\n    boot: nfs", `boot "nfs"`},
		{"no port", "{switch: leaf-a, port: swp1}", "{switch: leaf-a}", "port of switch leaf-a is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(string(ref), tt.from, tt.to, 1)
			if text == string(ref) {
				t.Fatalf("%q is not in the reference file", tt.from)
			}
			_, err := Parse(strings.NewReader(text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := Parse(strings.NewReader("")); err == nil {
		t.Error("an empty file was accepted")
	}
}

func TestValidateTellsAllFaultsAtOnce(t *testing.T) {
	s := Default()
	s.Name, s.Accel = "", "warp"
	s.Servers[0].CPUs, s.Servers[1].Serial = 0, ""
	s.Servers[2].NICs[0].MAC = s.Servers[0].NICs[0].MAC
	err := s.Validate()
	for _, want := range []string{`name ""`, `accel "warp"`, "cpus 0", `serial ""`, "mac 52:54:00"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
}

func TestPasswordsDoNotShow(t *testing.T) {
	s := Default()
	if text := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(text, "lab-secret") {
		t.Error("a password is in the printed specification")
	}
	if (Password{secret.New("x")}).String() != secret.Redacted {
		t.Error("a password shows itself")
	}
}

func TestMove(t *testing.T) {
	s, err := Default().Move(netip.MustParsePrefix("198.18.6.0/24"))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{s.HostAddr().String(), s.ManagementHostAddr().String(), s.Servers[2].BMC.Address.String()}
	if diff := cmp.Diff([]string{"198.18.6.1", "198.18.7.1", "198.18.7.13"}, got); diff != "" {
		t.Error(diff)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if Default().Servers[2].BMC.Address.String() != "198.18.1.13" {
		t.Error("moving a rack changed the default")
	}
	for _, bad := range []string{"198.18.0.0/16", "2001:db8::/64", "10.0.255.0/24"} {
		if _, err := s.Move(netip.MustParsePrefix(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestManifest(t *testing.T) {
	golden(t, "testdata/manifest.csv", string(Manifest(Default())))
}

func TestJobRoundTrip(t *testing.T) {
	// What Up writes, the supervisor must read as the same; the run directory is the only thing between.
	f, err := newJobFile(Default(), "/state")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(f.Spec, "lab-secret") {
		t.Error("a password is in the specification's text")
	}
	got, err := f.job()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got.Spec, samePassword); diff != "" {
		t.Error(diff)
	}
	other := Default()
	other.Servers[0].BMC.Password = Password{secret.New("another")}
	if g, _ := newJobFile(other, "/state"); g.Sum == f.Sum {
		t.Error("racks with different passwords have equal sums")
	}
}
