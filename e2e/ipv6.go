package e2e

import "testing"

// The provisioning network of a rack that has IPv6 only, from the prefix of documentation (RFC 3849).
const (
	prefix6 = "2001:db8:40::/64"
	server6 = "2001:db8:40::1"
)

// onlyIPv6 takes IPv4 off the provisioning network of a rack and out of a server's configuration. The BMCs stay where
// they are.
func (s *Server) onlyIPv6(t testing.TB, r *Rack) {
	t.Helper()
	run(t, "ip", "addr", "del", r.HostAddr().String()+"/24", "dev", r.Interface())
	run(t, "ip", "addr", "add", server6+"/64", "dev", r.Interface(), "nodad")
	s.URL, s.Boot = "https://["+server6+"]:"+apiPort, "http://["+server6+"]:"+bootPort
	s.settings["listen"] = "[" + server6 + "]:" + apiPort
	s.settings["boot"] = map[string]any{"listen": "[" + server6 + "]:" + bootPort, "tftp": "[" + server6 + "]:" + tftpPort}
	delete(s.settings, "subnets")
	s.settings["subnets6"] = []map[string]any{{"name": "provisioning", "interface": r.Interface(), "server": server6, "prefix": prefix6,
		"pool_first": "2001:db8:40::1:0", "pool_last": "2001:db8:40::1:ffff", "router_advertisements": true}}
}
