package dhcp

import (
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// sender gathers answers and sends those of one socket with one system call.
type sender struct {
	batch    []*exchange
	messages []ipv4.Message
}

func (o *sender) add(x *exchange) { o.batch = append(o.batch, x) }

// send sends the answers of the batch, and calls done for each, in order, also for those that say nothing.
func (o *sender) send(done func(x *exchange, err error)) {
	for i := 0; i < len(o.batch); {
		x := o.batch[i]
		if x.out.reply == nil {
			done(x, nil)
			i++
			continue
		}
		if x.port.direct.takes(x) && x.port.direct.send(x) == nil {
			done(x, nil)
			i++
			continue
		}
		o.messages = append(o.messages[:0], x.render())
		end := i + 1
		for ; end < len(o.batch) && o.batch[end].port == x.port && o.batch[end].out.reply != nil && !x.port.direct.takes(o.batch[end]); end++ {
			o.messages = append(o.messages, o.batch[end].render())
		}
		o.write(x.port, o.batch[i:end], done)
		i = end
	}
}

// write sends messages of one port. The kernel tells of the first that it does not take; the others go on.
func (o *sender) write(p *port, batch []*exchange, done func(x *exchange, err error)) {
	messages := o.messages
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second)) // fails only on a closed socket, as the write does
	for len(messages) > 0 {
		n, err := p.batch.WriteBatch(messages, 0)
		n = max(n, 0)
		for _, x := range batch[:n] {
			done(x, nil)
		}
		if err != nil && n < len(batch) {
			done(batch[n], err)
			n++
		}
		messages, batch = messages[n:], batch[n:]
	}
}

// render makes the message of an answer. It is sent from the address that clients know the server by, which
// with several addresses on the interface is not the kernel's choice.
func (x *exchange) render() ipv4.Message {
	x.reply = encode(x.reply[:0], x.out.reply)
	m := &x.message
	if m.Buffers == nil {
		m.Buffers, m.Addr = make([][]byte, 1), &net.UDPAddr{IP: make(net.IP, 4)}
	}
	m.Buffers[0] = x.reply
	to, ip := m.Addr.(*net.UDPAddr), x.out.to.Addr().As4()
	copy(to.IP, ip[:])
	to.Port = int(x.out.to.Port())
	m.OOB = x.port.source(x.out.from)
	return *m
}

// sources are the control messages that say from which address of an interface a datagram is to be sent.
func sources(index int, addrs []netip.Addr) map[netip.Addr][]byte {
	out := make(map[netip.Addr][]byte, len(addrs)+1)
	for _, a := range append([]netip.Addr{{}}, addrs...) {
		info := unix.Inet4Pktinfo{Ifindex: int32(index)} //nolint:gosec // an interface's index is small
		if a.IsValid() {
			info.Spec_dst = a.As4()
		}
		out[a] = unix.PktInfo4(&info)
	}
	return out
}

func (p *port) source(from netip.Addr) []byte {
	if oob, ok := p.sources[from]; ok {
		return oob
	}
	return p.sources[netip.Addr{}] // the kernel chooses
}
