package dhcp

import (
	"encoding/binary"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// leastRoom is the longest packet that every client takes: 576 octets with the headers of IP and UDP (RFC 2131
// section 2).
const leastRoom, headers = 576, 28

// dispensable are the options that a client can do without, the least needed first. The boot server's address is in
// the header, too.
var dispensable = []uint8{optTFTPServer, optNTP, optDomain, optHostName}

const (
	optDomain     = 15
	optNTP        = 42
	optMaxSize    = 57
	optTFTPServer = 66
	optBootFile   = 67
)

// fit leaves out what a client can do without when a reply is longer than it takes (option 57): long
// identifiers of relays, which must be repeated, can make it so.
func fit(r *request, reply *dhcpv4.DHCPv4) {
	room := leastRoom
	if v := r.option(optMaxSize); len(v) == 2 {
		room = max(room, int(binary.BigEndian.Uint16(v)))
	}
	room -= headers
	if size(reply.Options) <= room {
		return
	}
	if reply.BootFileName != "" {
		delete(reply.Options, optBootFile) // the header's field says it
	}
	for _, code := range dispensable {
		if size(reply.Options) <= room {
			return
		}
		delete(reply.Options, code)
	}
}

// size is how long a packet with these options is.
func size(o dhcpv4.Options) int {
	n := atOptions + 1
	for _, v := range o {
		n += len(v) + 2*max(1, (len(v)+254)/255)
	}
	return n
}
