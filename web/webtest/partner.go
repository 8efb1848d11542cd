package webtest

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"socle/api"
	"socle/inventory"
)

// Partner implements web.Agents: nobody comes to a test whose order is "alone"; else it is a server at the caller's own address.
func (w *World) Partner(_ context.Context, _ inventory.Session, order string, req api.PartnerRequest, remote netip.Addr, _ time.Duration) (*api.Partner, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if order == "alone" || w.fail != nil {
		return nil, w.fail
	}
	return &api.Partner{Machine: "hv02", Address: net.JoinHostPort(remote.String(), strconv.Itoa(req.Port)), Token: "t"}, nil
}
