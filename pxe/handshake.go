package pxe

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"socle/inventory"
)

// Handshakes makes evidence of TLS handshakes that fail, of clients whose lease says which machine they are. An
// http.Server gets its connections from Listen and tells ConnState of them.
type Handshakes struct {
	// Line is what is recorded of a failure: of any, or of those with the outcome Only. Time, client, outcome and
	// reply are filled in.
	Line     inventory.Evidence
	Only     inventory.Outcome
	Recorder Recorder
	Holder   func(netip.Addr) (mac string, ok bool)
	Now      func() time.Time
}

// Listen makes TLS of what l accepts.
func (h Handshakes) Listen(l net.Listener, config *tls.Config) net.Listener {
	return tls.NewListener(overheard{l}, config)
}

// ConnState is http.Server.ConnState. The server has made, or tried, the handshake before it closes a connection.
func (h Handshakes) ConnState(c net.Conn, state http.ConnState) {
	t, ok := c.(*tls.Conn)
	if !ok || state != http.StateClosed || t.ConnectionState().HandshakeComplete {
		return
	}
	err := t.Handshake() //nolint:noctx // it was tried: this only returns the error that it ended with
	if err == nil {
		return
	}
	outcome, words := failure(t.NetConn(), err)
	if h.Only != "" && outcome != h.Only {
		return
	}
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return
	}
	mac, ok := h.Holder(from.Addr().Unmap())
	if !ok {
		return
	}
	e := h.Line
	e.Time, e.MAC, e.Addr, e.Outcome, e.Reply = h.Now(), mac, from.Addr().Unmap(), outcome, words
	e.Asked += " from " + e.Addr.String()
	h.Recorder.Record(e)
}

// failure tells what a handshake ended with.
func failure(c net.Conn, err error) (inventory.Outcome, string) {
	words := plainWords(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "remote error: "), "tls: "))
	var op *net.OpError
	remote := errors.As(err, &op) && op.Op == "remote error" // what crypto/tls calls an alert of the other side
	if o, ok := c.(*overheardConn); ok && !remote {
		if alert := o.alert(); alert != "" {
			words, remote = alert, true
		}
	}
	var plain tls.RecordHeaderError
	switch {
	case remote && strings.Contains(words, "certificate"): // all alerts about it have it in their name (RFC 8446 section 6)
		return inventory.OutDistrusted, words
	case remote, errors.As(err, &plain), strings.HasPrefix(err.Error(), "tls: "):
		return inventory.OutMismatch, words
	default:
		return inventory.OutAborted, words
	}
}

// plainWords says the versions of TLS by their names, and leaves the numbers of ciphers out.
func plainWords(text string) string {
	text, _, _ = strings.Cut(text, "; client offered: ")
	list, ok := strings.CutPrefix(text, "client offered only unsupported versions: [")
	if !ok {
		return text
	}
	var names []string
	for _, v := range strings.Fields(strings.TrimSuffix(list, "]")) {
		n, err := strconv.ParseUint(v, 16, 16)
		if err != nil {
			return text
		}
		names = append(names, tls.VersionName(uint16(n)))
	}
	return "it speaks " + strings.Join(names, ", ") + " only"
}

// overheard accepts connections that remember what was read last. OpenSSL, also that of firmware, sends its alert about
// a certificate in clear before TLS 1.3 lets it encrypt, and crypto/tls takes that for a broken record.
type overheard struct{ net.Listener }

// Accept implements net.Listener.
func (l overheard) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &overheardConn{Conn: c}, nil
}

// alertLength is the length in bytes of an alert's record (RFC 8446 sections 5.1 and 6).
const alertLength = 7

type overheardConn struct {
	net.Conn
	tail []byte // one goroutine reads at a time, and the handshake has ended when this is looked at
}

// Read implements net.Conn.
func (c *overheardConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tail = append(c.tail, p[max(n-alertLength, 0):max(n, 0)]...)
	if cut := len(c.tail) - alertLength; cut > 0 {
		c.tail = c.tail[:copy(c.tail, c.tail[cut:])]
	}
	return n, err
}

// alert names the alert in clear that was read last; empty when it was none.
func (c *overheardConn) alert() string {
	const kind, major, fatal = 21, 3, 2
	t := c.tail
	if len(t) != alertLength || t[0] != kind || t[1] != major || t[3] != 0 || t[4] != 2 || t[5] != fatal {
		return ""
	}
	return strings.TrimPrefix(tls.AlertError(t[6]).Error(), "tls: ")
}
