package config

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the generated files anew")

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "socle.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLoadLayers(t *testing.T) {
	file := write(t, `
listen: 127.0.0.1:9443
limits: {boot: 3m}
subnets:
- {name: prov, interface: eth1, server: 198.18.0.1, prefix: 198.18.0.0/24, pool_first: 198.18.0.100, pool_last: 198.18.0.200}
`)
	got, err := Load(file, env(map[string]string{"SOCLE_DATA_DIR": "/srv/socle", "SOCLE_LIMITS_VERIFY": "7m",
		"SOCLE_SERVICES": "[dhcp, tftp]", "DATABASE_URL": "postgres://db/socle"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Listen, want.DataDir, want.Services = "127.0.0.1:9443", "/srv/socle", []string{"dhcp", "tftp"}
	want.Limits.Boot, want.Limits.Verify = 3*time.Minute, 7*time.Minute
	want.Database.URL = "postgres://db/socle"
	want.Subnets = []Subnet{{Name: "prov", Interface: "eth1", Server: netip.MustParseAddr("198.18.0.1"), Prefix: netip.MustParsePrefix("198.18.0.0/24"),
		PoolFirst: netip.MustParseAddr("198.18.0.100"), PoolLast: netip.MustParseAddr("198.18.0.200")}}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// TestRoleSettings: the example of the documentation is one.
func TestRoleSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	got, err := Load(write(t, example), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"ProcVirtualization": "Enabled", "SriovGlobalEnable": "Enabled", "SysProfile": "PerfOptimized", "AcPwrRcvryDelay": 90}
	if diff := cmp.Diff(want, got.Roles[0].WantsBios("PowerEdge R640")); diff != "" {
		t.Error(diff)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		env        map[string]string
		want       []string
	}{
		{name: "settings of a role", file: "roles: [{name: a, image: b, bios: [{model: X}, {attributes: {A: [1], B: 1.5, C: On}}]}]",
			want: []string{`roles[0] "a": bios[0] names no attributes`, `bios[1]: "A": a value is a text`, `"B"`}},
		{name: "unknown key with its line", file: "listen: :1\nlisten_addr: :2\n", want: []string{"line 2", "listen_addr"}},
		{name: "all errors at once", file: "log: {level: loud, format: xml}\nservices: [dchp]\nboot: {tftp: nowhere}\n",
			want: []string{"log.level", "log.format", `"dchp"`, "boot.tftp"}},
		{name: "subnet", file: "subnets: [{name: a, interface: e, server: 10.0.1.1, prefix: 10.0.0.0/24, pool_first: 10.0.0.9, pool_last: 10.0.0.2}]",
			want: []string{"server 10.0.1.1 is not in 10.0.0.0/24", "pool_first to pool_last: last address 10.0.0.2 lies before first 10.0.0.9"}},
		{name: "server in the pool", file: "subnets: [{name: a, interface: e, server: 10.0.0.5, prefix: 10.0.0.0/24, pool_first: 10.0.0.2, pool_last: 10.0.0.9}]",
			want: []string{"server 10.0.0.5 lies in the pool"}},
		{name: "subnets together", file: `subnets:
- {name: a, interface: e, server: 10.0.0.1, prefix: 10.0.0.0/24, mode: loud, pools: [{first: 10.0.0.9, last: 10.0.0.20}, {first: 10.0.0.20, last: 10.0.1.2, match: {machine: strange}}]}
- {name: a, interface: e, prefix: 10.0.0.128/25, shared_network: x, mode: reservations, reservations: [{address: 10.0.0.200, mac: "1"}, {address: 10.0.0.201, mac: "52:54:00:00:00:01", uuid: 11223344-5566-7788-99aa-bbccddeeff00}]}
- {name: b, prefix: 10.1.0.0/24, mode: proxy, reservations: [{address: 10.1.0.7, circuit_id: 0xabc}]}
- {name: c, prefix: 10.2.0.0/24}
- {name: d, interface: f, server: 10.3.0.1, prefix: 10.3.0.0/24, mode: reservations, reservations: [{address: 10.3.0.9, client_id: a}, {address: 10.3.0.9, client_id: b}, {address: 10.3.0.8, client_id: a}]}
- {name: e, interface: f, server: 10.4.0.1, prefix: 10.4.0.0/24, mode: proxy}
`, want: []string{`subnets[0] "a": mode "loud"`, `subnets[0] "a": pools[1]: 10.0.0.20 to 10.0.1.2 is not in`, `pools[1]: overlaps pools[0]`, `pools[1]: match: machine "strange"`,
			`subnets[1] "a": server is missing`, `subnets[1] "a": subnets[0] has this name`, `prefix 10.0.0.128/25 overlaps 10.0.0.0/24`, `shared_network "x": another subnet of interface e has ""`,
			`reservations[0] 10.0.0.200: mac "1"`, `reservations[1] 10.0.0.201: name the client in one way`, `subnets[2] "b": reservations[0] 10.1.0.7: mode proxy`, `circuit_id "0xabc"`,
			`subnets[3] "c": pool_first and pool_last`, `reservations[1] 10.3.0.9: reservations[0] has the same address`, `reservations[2] 10.3.0.8: reservations[0] has the same client_id`,
			`subnets[5] "e": mode proxy: "d" on the same link has mode reservations`}},
		{name: "nowhere to listen", file: "subnets: [{name: a, prefix: 10.0.0.0/24, pool_first: 10.0.0.2, pool_last: 10.0.0.9}]", want: []string{"none has an interface"}},
		{name: "rules of TFTP", file: "boot: {tftp_rules: [{mac: 00-15, block: 1024}, {block: 7}, {window: -1}, {mac: '00:15:5d', file: .efi, why: nothing}, {mac: '00:15:5D', block: 1024}]}",
			want: []string{`boot.tftp_rules[0]: mac "00-15"`, "boot.tftp_rules[1]: block 7", "boot.tftp_rules[2]: window -1", "boot.tftp_rules[3]: names neither"}},
		{name: "HTTPS", file: "boot: {tls_listen: nowhere}", want: []string{"boot.tls_listen"}},
		{name: "HTTPS from nowhere", file: "subnets: [{name: a, interface: e, server: 10.0.0.1, prefix: 10.0.0.0/24, pool_first: 10.0.0.2, pool_last: 10.0.0.9, https: true}]",
			want: []string{`subnets[0] "a": https needs boot.tls_listen`}},
		{name: "roles", file: "roles: [{name: a, image: x, verify: magic}, {name: a, image: y}, {name: b}, {image: z}]",
			want: []string{`"magic"`, `a second role "a"`, `"b": has no image`, "roles[3]: has no name"}},
		{name: "bad variable", env: map[string]string{"SOCLE_LIMITS_BOOT": "soon"}, want: []string{"SOCLE_LIMITS_BOOT"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(write(t, tc.file), env(tc.env))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	const file = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(file, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Reference(), string(got)); diff != "" {
		t.Errorf("docs/configuration.md is not what the code says; run `make generate` (-want +got):\n%s", diff)
	}
}

func TestEveryValueHasADoc(t *testing.T) {
	for line := range strings.Lines(Reference()) {
		if strings.HasPrefix(line, "| `") && strings.HasSuffix(strings.TrimSpace(line), "|  |") {
			t.Errorf("no doc tag: %s", line)
		}
	}
}

func TestRuns(t *testing.T) {
	subnets := []Subnet{{}}
	for _, tc := range []struct {
		name string
		c    Config
		want []string
	}{
		{"first start", Config{}, []string{"api", "workers"}},
		{"with a subnet", Config{Subnets: subnets}, Services()},
		{"as listed", Config{Subnets: subnets, Services: []string{"dhcp", "tftp"}}, []string{"dhcp", "tftp"}},
		{"boot without our DHCP", Config{Services: []string{"tftp", "boot"}}, []string{"tftp", "boot"}},
	} {
		var got []string
		for _, s := range Services() {
			if tc.c.Runs(s) {
				got = append(got, s)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// TestOutlierRules: each thing that is wrong with a rule is told, with its place.
func TestOutlierRules(t *testing.T) {
	good := "outliers: [{metric: cpu, tolerance_percent: 40, all_percent: 60}, {metric: disk.read.sequential, tolerance_percent: 5}]"
	if c, err := Load(write(t, good), env(nil)); err != nil || len(c.Outliers) != 2 || c.Outliers[0].All != 60 {
		t.Errorf("%+v, %v", c.Outliers, err)
	}
	for text, want := range map[string]string{
		"{metric: cpu.*, tolerance_percent: 4}":                                    `outliers[0]: metric "cpu.*" is no name`,
		"{metric: cpu, tolerance_percent: 0}":                                      `outliers[0] "cpu": tolerance_percent 0`,
		"{metric: cpu, tolerance_percent: .nan}":                                   `outliers[0] "cpu": tolerance_percent NaN`,
		"{metric: cpu, tolerance_percent: 4, all_percent: 100}":                    `outliers[0] "cpu": all_percent 100`,
		"{metric: cpu, tolerance_percent: 4}, {metric: cpu, tolerance_percent: 5}": `outliers[1]: a second rule of "cpu"`,
	} {
		if _, err := Load(write(t, "outliers: ["+text+"]"), env(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
