package boot

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

func TestLifetimes(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		t1, t2, valid time.Duration
		want          times
	}{
		{1800 * s, 2880 * s, 3600 * s, times{1800 * s, 2880 * s, 3600 * s}},
		{0, 0, 3600 * s, times{1800 * s, 2880 * s, 3600 * s}}, // left to the client
		{100 * s, 50 * s, 3600 * s, times{100 * s, 100 * s, 3600 * s}},
		{1 * s, 2 * s, 3 * s, times{5 * s, 5 * s, 3 * s}}, // no server is asked more often
	} {
		if got := lifetimes(tc.t1, tc.t2, tc.valid); got != tc.want {
			t.Errorf("%s, %s of %s: %+v", tc.t1, tc.t2, tc.valid, got)
		}
	}
}

func TestWhatToDoWithAnAddress(t *testing.T) {
	const s = time.Second
	usual, short := times{50 * s, 80 * s, 100 * s}, times{5 * s, 5 * s, 3 * s}
	for _, tc := range []struct {
		times
		age   time.Duration
		kind  dhcpv6.MessageType
		until time.Duration
	}{
		{usual, 0, dhcpv6.MessageTypeNone, 50 * s},
		{usual, 50 * s, dhcpv6.MessageTypeRenew, 80 * s},
		{usual, 80 * s, dhcpv6.MessageTypeRebind, 100 * s},
		{usual, 100 * s, dhcpv6.MessageTypeSolicit, 100*s + dhcpWait},
		{short, 0, dhcpv6.MessageTypeNone, 3 * s},
		{short, 3 * s, dhcpv6.MessageTypeSolicit, 3*s + dhcpWait},
		{times{50 * s, 200 * s, 100 * s}, 50 * s, dhcpv6.MessageTypeRenew, 100 * s}, // a server that says nonsense
		{times{}, time.Hour, dhcpv6.MessageTypeSolicit, time.Hour + dhcpWait},       // what was taken back
	} {
		if kind, until := tc.at(tc.age); kind != tc.kind || until != tc.until {
			t.Errorf("%+v, %s old: %s until %s, want %s until %s", tc.times, tc.age, kind, until, tc.kind, tc.until)
		}
	}
}

// TestReadAnAnswer has what servers answer besides a good address (RFC 8415 section 18.2.10).
func TestReadAnAnswer(t *testing.T) {
	addr := func(a string, preferred, valid time.Duration) dhcpv6.Option {
		return &dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP(a), PreferredLifetime: preferred, ValidLifetime: valid}
	}
	status := func(c iana.StatusCode) dhcpv6.Option {
		return &dhcpv6.OptStatusCode{StatusCode: c, StatusMessage: "so it is"}
	}
	ia := func(o ...dhcpv6.Option) dhcpv6.Option {
		return &dhcpv6.OptIANA{T1: time.Hour, T2: 2 * time.Hour, Options: dhcpv6.IdentityOptions{Options: o}}
	}
	for _, tc := range []struct {
		name  string
		reply dhcpv6.Option
		want  string // an address, or the error
		gone  bool
	}{
		{"an address", ia(addr("2001:db8::5", time.Hour, time.Hour)), "2001:db8::5", false},
		{"the new one after the old one", ia(addr("2001:db8::4", 0, 0), addr("2001:db8::5", time.Hour, time.Hour)), "2001:db8::5", false},
		{"success said aloud", ia(status(iana.StatusSuccess), addr("2001:db8::5", 1, time.Hour)), "2001:db8::5", false},
		{"taken back", ia(addr("2001:db8::5", 0, 0)), "takes 2001:db8::5 back", true},
		{"unknown there", ia(status(iana.StatusNoBinding)), "so it is", true},
		{"nothing free", ia(status(iana.StatusNoAddrsAvail)), "so it is", false},
		{"the server is in trouble", status(iana.StatusUnspecFail), "so it is", false},
		{"no association", dhcpv6.OptDNS(net.ParseIP("2001:db8::53")), "no identity association", false},
		{"preferred for longer than valid", ia(addr("2001:db8::5", 2*time.Hour, time.Hour)), "no address that can be used", false},
		{"no address of a host", ia(addr("ff02::1", time.Hour, time.Hour)), "no address that can be used", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reply := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply}
			reply.AddOption(tc.reply)
			now := time.Now()
			g, err := read(reply, now)
			if err != nil {
				if !strings.Contains(err.Error(), tc.want) || errors.Is(err, errGone) != tc.gone {
					t.Errorf("error %q, gone %v", err, errors.Is(err, errGone))
				}
				return
			}
			if g.address().String() != tc.want || g.since != now || g.times.renew == 0 {
				t.Errorf("read %s of %s, %+v", g.address(), g.since, g.times)
			}
		})
	}
}
