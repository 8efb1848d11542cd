package bmc

import (
	"fmt"
	"net"
	"strings"
)

// address splits "host" or "host:port" and fills in the port. The host comes without brackets.
func address(text, port string) (host, p string, err error) {
	host, p = text, port
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		host = text[1 : len(text)-1]
	} else if h, q, err := net.SplitHostPort(text); err == nil {
		host, p = h, q
	}
	if host == "" || strings.ContainsAny(host, "/@ []?#%\t\n") || strings.HasPrefix(host, "-") || !digits(p) {
		return "", "", fmt.Errorf("%w: %q is no address of a BMC: use a host name or an IP address, and :port if it is not %s", ErrUnsupported, text, port)
	}
	return host, p, nil
}

func digits(s string) bool {
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

// bracket makes a host fit to be followed by a colon and a port.
func bracket(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
