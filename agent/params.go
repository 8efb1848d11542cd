package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"socle/agent/probe"
	"socle/api"
)

// Params are what the boot script tells the ramdisk by the kernel's command line.
type Params struct {
	Server  string       // base URL of the API
	Token   string       // boot token
	CA      string       // SHA-256 of the CA's DER, lower-case hexadecimal
	MAC     string       // of the interface that booted, with colons; may be empty
	Address netip.Prefix // zero: DHCP
	Gateway netip.Addr   // zero: none
	Name    string       // for the console
}

// ParseParams reads a kernel command line. All that is wrong is reported at once; what could be read is
// returned even then.
func ParseParams(cmdline string) (Params, error) {
	var p Params
	var errs []error
	for _, word := range strings.Fields(cmdline) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case api.ParamServer:
			p.Server = strings.TrimRight(value, "/")
		case api.ParamToken:
			p.Token = value
		case api.ParamCA:
			p.CA = strings.ToLower(strings.ReplaceAll(value, ":", ""))
		case api.ParamName:
			p.Name = probe.Clean(value)
		case api.ParamMAC:
			p.MAC = bootMAC(value)
		case api.ParamAddr:
			errs = append(errs, p.static(value))
		}
	}
	if u, err := url.Parse(p.Server); err != nil || u.Scheme != "https" || u.Host == "" {
		errs = append(errs, fmt.Errorf("kernel parameter %s is %q: it must be an https:// address", api.ParamServer, p.Server))
	}
	if len(p.CA) != 64 || strings.Trim(p.CA, "0123456789abcdef") != "" {
		errs = append(errs, fmt.Errorf("kernel parameter %s is %q: it must be 64 hexadecimal digits", api.ParamCA, p.CA))
	}
	if p.Token == "" {
		errs = append(errs, fmt.Errorf("kernel parameter %s is missing: the server would not know this boot", api.ParamToken))
	}
	return p, errors.Join(errs...)
}

// bootMAC turns iPXE's and PXELINUX's forms, "01-52-54-00-…" and "52-54-00-…", to colons.
func bootMAC(s string) string {
	s = strings.ToLower(strings.ReplaceAll(s, "-", ":"))
	if len(s) == 20 {
		s = s[3:] // the hardware type
	}
	if len(s) != 17 {
		return ""
	}
	return s
}

func (p *Params) static(value string) error {
	addr, gateway, _ := strings.Cut(value, ",")
	var err error
	if p.Address, err = netip.ParsePrefix(addr); err != nil {
		return fmt.Errorf("kernel parameter %s is %q: it must be address/prefix,gateway: %w", api.ParamAddr, value, err)
	}
	if gateway == "" {
		return nil
	}
	if p.Gateway, err = netip.ParseAddr(gateway); err != nil {
		return fmt.Errorf("kernel parameter %s is %q: the gateway is no address: %w", api.ParamAddr, value, err)
	}
	return nil
}
