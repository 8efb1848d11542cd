package main

import (
	"context"
	"fmt"
	"net"
	"time"

	ipmibmc "github.com/bougou/go-ipmi/pkg/bmc"
	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"github.com/bougou/go-ipmi/pkg/server"
	"github.com/bougou/go-ipmi/pkg/transport/udp"
)

// serveAll is all controllers, until ctx ends.
func serveAll(ctx context.Context, o options) error {
	for n := range o.bmcs {
		conn, err := udp.Listen(net.JoinHostPort(address(n).String(), "623"))
		if err != nil {
			return err
		}
		b := ipmibmc.New(ipmibmc.DeviceInfo{IPMIVersion: 0x20}, [16]byte{}, mock.New())
		account, err := b.Users.Add(2, user)
		if err != nil {
			return err
		}
		account.SetPassword([]byte(password))
		account.Enabled = true
		account.ChannelAccess[1] = ipmibmc.UserChannelAccess{MaxPrivilege: ipmibmc.PrivilegeLevelAdministrator, Enabled: true}
		srv := server.NewServer(b, &slow{Conn: conn, delay: o.delay})
		go func() { _ = srv.Serve(ctx) }() // ends with the process
	}
	fmt.Print(ready)
	<-ctx.Done()
	return nil
}

// slow is a socket whose answers leave late.
type slow struct {
	*udp.Conn
	delay time.Duration
}

// WriteTo implements transport.PacketConn.
func (s *slow) WriteTo(data []byte, addr net.Addr) (int, error) {
	late := append([]byte(nil), data...)
	time.AfterFunc(s.delay, func() { _, _ = s.Conn.WriteTo(late, addr) })
	return len(data), nil
}
