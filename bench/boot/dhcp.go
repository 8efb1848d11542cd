package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The network of the DHCP works: all of the range for benchmarks.
const (
	dhcpPrefix     = "198.18.0.0/15"
	dhcpMask       = "255.254.0.0"
	knownHosts     = 10_000
	firstKnownHost = "198.18.16.0"
	poolFirst      = "198.18.128.0"
	poolLast       = "198.19.255.254"
)

// dhcpWorks measure full exchanges (DISCOVER, OFFER, REQUEST, ACK) through a relay, with the options that a
// PXE firmware sends.
func dhcpWorks() []work {
	known := []peer{{"Socle", startDHCP(true)}, {"ISC dhcpd", startISC(true)}, {"Kea", startKea(true)}, {"CoreDHCP", startCoreDHCP(true)}, {"dnsmasq", startDnsmasq(true)}}
	fresh := []peer{{"Socle, synced", startDHCP(false)}, {"Kea, not synced", startKea(false)}, {"ISC dhcpd, synced", startISC(false)}, {"CoreDHCP, synced", startCoreDHCP(false)}, {"dnsmasq", startDnsmasq(false)}}
	return []work{
		{name: "dhcp exchanges, 10,000 known hosts, 32 in flight", unit: "exchanges/s", cost: "µs CPU/exchange", per: 1e6,
			aim: "at least 2 × ISC dhcpd, at most 50 µs of CPU each", peers: known, warm: eachOnce, load: dhcpLoad{known: true, inFlight: 32}.run},
		{name: "dhcp fresh leases, 32 in flight", unit: "leases/s", cost: "µs CPU/lease", per: 1e6,
			aim: "at least 2 × Kea, and synced to disk before the ACK", peers: fresh, load: dhcpLoad{inFlight: 32}.run},
		{name: "dhcp time of an exchange at 100/s, known hosts", unit: "exchanges/s", cost: "µs CPU/exchange", per: 1e6,
			aim: "p99 below all", peers: known, warm: eachOnce, load: dhcpLoad{known: true, inFlight: 64, rate: 100}.run, least: 20 * time.Second},
	}
}

// eachOnce has each known host get its lease, so that what is measured is what a room of servers does that was on
// before: a boot asks for the lease of the last one.
func eachOnce(ctx context.Context, b *bed) (result, error) {
	return dhcpLoad{known: true, inFlight: 32, most: knownHosts}.run(ctx, b, time.Minute)
}

func knownHost(i int) (mac [6]byte, addr netip.Addr) {
	a := netip.MustParseAddr(firstKnownHost).As4()
	n := uint32(a[2])<<8 + uint32(i)
	return [6]byte{0x52, 0x54, 0, 0, byte(i >> 8), byte(i)}, netip.AddrFrom4([4]byte{a[0], a[1], byte(n >> 8), byte(n)})
}

// eachHost writes a line for each known host.
func eachHost(line func(mac, addr string) string) string {
	var b strings.Builder
	for i := range knownHosts {
		mac, addr := knownHost(i)
		b.WriteString(line(fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]), addr.String()))
	}
	return b.String()
}

// anew makes an empty folder for a server: no turn begins with another one's leases.
func (b *bed) anew(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return b.folder(name)
}

func write(file, text string) error { return os.WriteFile(file, []byte(text), 0o644) } //nolint:gosec // not secret

func startDHCP(known bool) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		dir, err := b.anew("socle-dhcp")
		if err != nil {
			return nil, err
		}
		config := fmt.Sprintf(`data_dir: %s
listen: %s:8443
log: {level: warn}
subnets:
  - {name: bench, interface: %s, server: %s, prefix: %s, pool_first: %s, pool_last: %s, lease_time: 1h, reservations: [`,
			dir, serverAddr, serverIface, serverAddr, dhcpPrefix, poolFirst, poolLast)
		if known {
			config += "\n" + eachHost(func(mac, addr string) string { return fmt.Sprintf("    {mac: \"%s\", address: %s},\n", mac, addr) })
		}
		file := filepath.Join(dir, "config.yaml")
		if err := write(file, config+"  ]}\n"); err != nil {
			return nil, err
		}
		return b.start(ctx, filepath.Join(dir, "log"), []string{b.socle, "serve", "--config", file, "--services", "dhcp"}, answersDHCP)
	}
}

func startISC(known bool) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		dir, err := b.anew("isc")
		if err != nil {
			return nil, err
		}
		config := fmt.Sprintf(`authoritative; ping-check false; default-lease-time 3600; max-lease-time 3600;
subnet 198.18.0.0 netmask %s { range %s %s; option domain-name-servers %s; next-server %s; filename "snponly.efi"; }
`, dhcpMask, poolFirst, poolLast, serverAddr, serverAddr)
		if known {
			n := 0
			config += eachHost(func(mac, addr string) string {
				n++
				return fmt.Sprintf("host h%d { hardware ethernet %s; fixed-address %s; }\n", n, mac, addr)
			})
		}
		in := func(name string) string { return filepath.Join(dir, name) }
		if err := errors.Join(write(in("dhcpd.conf"), config), write(in("leases"), "")); err != nil {
			return nil, err
		}
		return b.start(ctx, in("log"), []string{"dhcpd", "-4", "-f", "-q", "-cf", in("dhcpd.conf"), "-lf", in("leases"), "-pf", in("pid"), serverIface}, answersDHCP)
	}
}

func startKea(known bool) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		dir, err := b.anew("kea")
		if err != nil {
			return nil, err
		}
		subnet := map[string]any{"subnet": dhcpPrefix, "id": 1, "pools": []any{map[string]any{"pool": poolFirst + " - " + poolLast}},
			"next-server": serverAddr, "boot-file-name": "snponly.efi"}
		if known {
			var list []any
			eachHost(func(mac, addr string) string {
				list = append(list, map[string]any{"hw-address": mac, "ip-address": addr})
				return ""
			})
			subnet["reservations"] = list
		}
		config, err := json.Marshal(map[string]any{"Dhcp4": map[string]any{
			"interfaces-config": map[string]any{"interfaces": []any{serverIface}, "dhcp-socket-type": "udp"},
			"lease-database":    map[string]any{"type": "memfile", "persist": true, "name": filepath.Join(dir, "leases.csv")},
			"valid-lifetime":    3600, "subnet4": []any{subnet},
			"loggers": []any{map[string]any{"name": "kea-dhcp4", "severity": "ERROR", "output_options": []any{map[string]any{"output": "stderr"}}}},
		}})
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "kea.conf")
		if err := write(file, string(config)); err != nil {
			return nil, err
		}
		return b.start(ctx, filepath.Join(dir, "log"), []string{"kea-dhcp4", "-c", file}, answersDHCP)
	}
}

func startDnsmasq(known bool) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		dir, err := b.anew("dnsmasq")
		if err != nil {
			return nil, err
		}
		hosts := filepath.Join(dir, "hosts")
		config := fmt.Sprintf("port=0\ninterface=%s\nbind-interfaces\nuser=root\nno-ping\nquiet-dhcp\ndhcp-authoritative\ndhcp-lease-max=200000\ndhcp-range=%s,%s,%s,1h\ndhcp-leasefile=%s\ndhcp-hostsfile=%s\ndhcp-boot=snponly.efi\n",
			serverIface, poolFirst, poolLast, dhcpMask, filepath.Join(dir, "leases"), hosts)
		lines := ""
		if known {
			lines = eachHost(func(mac, addr string) string { return mac + "," + addr + "\n" })
		}
		file := filepath.Join(dir, "dnsmasq.conf")
		if err := errors.Join(write(file, config), write(hosts, lines)); err != nil {
			return nil, err
		}
		return b.start(ctx, filepath.Join(dir, "log"), []string{"dnsmasq", "--keep-in-foreground", "--conf-file=" + file, "--pid-file=" + filepath.Join(dir, "pid")}, answersDHCP)
	}
}

// answersDHCP is ready once a DISCOVER of a known host is answered; any server has an address for it.
func answersDHCP(ctx context.Context) error {
	r, err := dhcpLoad{anyAddr: true, known: true, inFlight: 1, most: 1, patience: 200 * time.Millisecond}.run(ctx, nil, 200*time.Millisecond)
	if err == nil && r.done == 0 {
		err = errors.New("no answer to a DISCOVER")
	}
	return err
}
