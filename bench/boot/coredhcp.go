package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// startCoreDHCP starts CoreDHCP with its plugins for known hosts (a file of MACs and addresses) or for leases, which
// it keeps in SQLite. It logs each packet unless it is told not to. A known host gets no boot file: both the plugin for
// hosts and the one for boot files end the chain of plugins.
func startCoreDHCP(known bool) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		dir, err := b.anew("coredhcp")
		if err != nil {
			return nil, err
		}
		hosts, lines := filepath.Join(dir, "hosts"), ""
		addresses := fmt.Sprintf("range: %s %s %s 1h\n    - nbp: tftp://%s/snponly.efi", filepath.Join(dir, "leases.sqlite3"), poolFirst, poolLast, serverAddr)
		if known {
			lines = eachHost(func(mac, addr string) string { return mac + " " + addr + "\n" })
			addresses = "file: " + hosts
		}
		file := filepath.Join(dir, "coredhcp.yml")
		config := fmt.Sprintf(`server4:
  listen: "%%%s"
  plugins:
    - lease_time: 3600s
    - server_id: %s
    - dns: %s
    - router: %s
    - netmask: %s
    - %s
`, serverIface, serverAddr, serverAddr, serverAddr, dhcpMask, addresses)
		if err := errors.Join(write(file, config), write(hosts, lines)); err != nil {
			return nil, err
		}
		return b.start(ctx, filepath.Join(dir, "log"), []string{b.unpacked("coredhcp"), "--loglevel", "error", "--conf", file}, answersDHCP)
	}
}
