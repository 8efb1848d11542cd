package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Links tells which of these interfaces have a link, and from then on each change as the kernel tells it (rtnetlink(7)), until
// ctx ends. In between it sleeps.
func (r Root) Links(ctx context.Context, nics []string, told func(nic string, up bool, speedMbps int)) error {
	socket, err := open(unix.AF_NETLINK, unix.NETLINK_ROUTE, "links", func(fd int) error {
		return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK})
	})
	if err != nil {
		return fmt.Errorf("watching links: %w", err)
	}
	tell := func(nic string, up bool) {
		speed := 0
		if up { // it is not known of one that is down
			speed = max(0, int(number(filepath.Join(r.Sys, "class/net", nic), "speed")))
		}
		told(nic, up, speed)
	}
	byIndex := map[int32]string{}
	look := func() {
		for _, nic := range nics {
			if ifi, err := net.InterfaceByName(nic); err == nil {
				byIndex[int32(ifi.Index)] = nic
				tell(nic, ifi.Flags&net.FlagRunning != 0)
			}
		}
	}
	look() // after the socket is open, so that no change falls in between
	return read(ctx, socket, 64<<10, func(messages []byte, err error) error {
		switch {
		case errors.Is(err, unix.ENOBUFS): // the kernel had more to say than it could keep
			look()
			return nil
		case err != nil:
			return fmt.Errorf("watching links: %w", err)
		}
		for _, c := range linkChanges(messages) {
			if nic, ours := byIndex[c.index]; ours {
				tell(nic, c.up)
			}
		}
		return nil
	})
}

type linkChange struct {
	index int32
	up    bool
}

// linkChanges reads what the kernel says of interfaces: each message has the state at its time, so that a link that was lost
// for a moment is seen to be lost.
func linkChanges(messages []byte) (all []linkChange) {
	list, err := syscall.ParseNetlinkMessage(messages)
	if err != nil {
		return nil
	}
	for _, m := range list {
		gone := m.Header.Type == unix.RTM_DELLINK
		if !gone && m.Header.Type != unix.RTM_NEWLINK || len(m.Data) < unix.SizeofIfInfomsg {
			continue
		}
		var info unix.IfInfomsg
		copy((*[unix.SizeofIfInfomsg]byte)(unsafe.Pointer(&info))[:], m.Data)
		all = append(all, linkChange{info.Index, !gone && info.Flags&unix.IFF_RUNNING != 0})
	}
	return all
}
