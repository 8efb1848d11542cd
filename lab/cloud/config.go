package cloud

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
)

// secrets are made once and kept: another hash suffix would lose every object.
type secrets struct {
	Key        string `json:"key"`
	HashSuffix string `json:"hash_suffix"`
}

func openSecrets(path string) (s secrets, err error) {
	data, err := os.ReadFile(path) //nolint:gosec // the path is the caller's state directory
	switch {
	case err == nil:
		if err := json.Unmarshal(data, &s); err != nil || s.Key == "" || s.HashSuffix == "" {
			return s, fmt.Errorf("reading %s: it is damaged: remove the directory to start a new cloud", path)
		}
		return s, nil
	case !errors.Is(err, fs.ErrNotExist):
		return s, err
	}
	s = secrets{Key: random(), HashSuffix: random()}
	if data, err = json.Marshal(s); err != nil {
		return s, err
	}
	return s, os.WriteFile(path, data, 0o600)
}

func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see its documentation
	return hex.EncodeToString(b[:])
}

// proxyConf is the proxy's configuration. Its user swift runs as root inside the namespaces, because the
// state directory is root's alone. list-endpoints, before any login, lets a verification see where the ring
// places an object; a real cloud would not show it to the world.
func proxyConf(addr netip.Addr, user, key string) string {
	account, name, _ := strings.Cut(user, ":")
	return fmt.Sprintf(`# By Socle.
[DEFAULT]
bind_ip = %s
bind_port = %d
user = root
swift_dir = /etc/swift
workers = 1
log_name = proxy

[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache list-endpoints tempauth proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = false
# Nodes of a lab are slow and are rebooted on purpose: none of them is avoided for it.
error_suppression_interval = 5
error_suppression_limit = 1000
conn_timeout = 5
node_timeout = 30

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:gatekeeper]
use = egg:swift#gatekeeper

[filter:healthcheck]
use = egg:swift#healthcheck

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:11211

[filter:list-endpoints]
use = egg:swift#list_endpoints

[filter:tempauth]
use = egg:swift#tempauth
user_%s_%s = %s .admin
`, addr, Port, account, name, key)
}
