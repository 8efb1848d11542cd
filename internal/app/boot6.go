package app

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"

	"socle/dhcp/dhcp6"
	"socle/dhcp/radv"
	"socle/inventory"
	"socle/inventory/view"
)

// bootHandlers answers each machine under the address by which it reaches us: IPv4, or ours in its IPv6 subnet.
func (k *kit) bootHandlers() (http.Handler, error) {
	other, err := k.bootHandler(k.config.Server())
	if err != nil {
		return nil, err
	}
	if len(k.config.Subnets6) == 0 {
		return other, nil
	}
	byServer := map[netip.Addr]http.Handler{}
	for _, s := range k.config.Subnets6 {
		if byServer[s.Server], err = k.bootHandler(s.Server); err != nil {
			return nil, err
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := other
		if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && a.Addr().Is6() && !a.Addr().Is4In6() {
			h = byServer[k.config.Server6(a.Addr())]
		}
		h.ServeHTTP(w, r)
	}), nil
}

// hosts6 lets DHCPv6 ask the view of the inventory.
type hosts6 struct {
	view  *view.View
	tries *tries
}

// DHCPv6 looks for it at run time.
var _ interface {
	NetBoot(mac string) inventory.NetBoot
} = hosts6{}

// Host implements dhcp6.View.
func (h hosts6) Host(mac string) (dhcp6.Host, bool) { return host6Of(h.view.ByMAC(mac)) }

// HostByUUID implements dhcp6.View.
func (h hosts6) HostByUUID(uuid string) (dhcp6.Host, bool) { return host6Of(h.view.ByUUID(uuid)) }

// Active implements dhcp6.View.
func (h hosts6) Active(addr netip.Addr) (machine string, ok bool) {
	s, ok := h.view.ActiveAt(addr)
	return s.ID, ok
}

// NetBoot tells DHCPv6 what was tried to boot the machine behind a MAC.
func (h hosts6) NetBoot(mac string) inventory.NetBoot { return h.tries.of(mac) }

func host6Of(s inventory.Sketch, ok bool) (dhcp6.Host, bool) {
	h := dhcp6.Host{Machine: s.ID, Boot: s.Boot}
	if s.State == inventory.Active && s.Address.Is6() {
		h.Addr = s.Address
	}
	return h, ok
}

// dhcp6Tasks are DHCPv6 and, where they are wanted, router advertisements.
func (k *kit) dhcp6Tasks() ([]Task, error) {
	if len(k.config.Subnets6) == 0 {
		return nil, nil
	}
	var subnets []inventory.Subnet6
	for _, s := range k.config.Subnets6 {
		subnets = append(subnets, s.Inventory())
	}
	id, err := serverDUID(filepath.Join(k.config.DataDir, "duid"))
	if err != nil {
		return nil, err
	}
	s, err := dhcp6.New(dhcp6.Options{Subnets: subnets, ServerID: id, View: hosts6{k.view, k.tries}, Leases: k.store, Recorder: k.recorder,
		BootURL: k.bootURLAt, BootTries: k.config.Boot.Tries, Log: k.log})
	if err != nil {
		return nil, err
	}
	k.holder6 = s.Holder
	tasks := []Task{{"DHCPv6", s.Serve}}
	if r := radv.New(radv.Options{Subnets: subnets, Log: k.log}); len(r.Interfaces()) > 0 {
		tasks = append(tasks, Task{"router advertisements", r.Serve})
	}
	return tasks, nil
}

// serverDUID is what DHCPv6 clients know this server by: made at random once, and kept, since a client renews
// with nobody else.
func serverDUID(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		id := append([]byte{0, 4}, make([]byte, 16)...) // a DUID-UUID (RFC 6355)
		_, _ = rand.Read(id[2:])                        // never fails
		id[8], id[10] = id[8]&0x0f|0x40, id[10]&0x3f|0x80
		return id, writeDurably(file, []byte(hex.EncodeToString(id)+"\n"))
	}
	if err != nil {
		return nil, fmt.Errorf("reading the DHCPv6 server's identifier: %w", err)
	}
	id, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(id) != 18 {
		return nil, fmt.Errorf("reading the DHCPv6 server's identifier: %s is no DUID of 18 bytes in hexadecimal; remove it, and a new one is made: %w", file, err)
	}
	return id, nil
}

func writeDurably(file string, content []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		_, err = f.Write(content)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("keeping the DHCPv6 server's identifier: %w", err)
	}
	return nil
}
