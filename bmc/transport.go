package bmc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Bounds of one operation over Redfish.
const (
	maxAnswers = 16 << 20        // bytes from the controller, all answers together
	logoutTime = 2 * time.Second // for ending the session after ctx has ended
)

// httpClient makes a client for one operation on one controller. Its connections end with ctx, whatever the
// library above believes, and lead to that controller only, as w knows it: an answer that points elsewhere gets neither
// password nor token. After ctx has ended, a new connection may live for logoutTime, for the farewell.
// The returned context lives as long as those connections, and stop ends them all.
func httpClient(ctx context.Context, hostport string, w *witness) (c *http.Client, life context.Context, stop func()) {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	end := context.AfterFunc(ctx, func() { time.AfterFunc(logoutTime, cancel) })
	var left atomic.Int64
	left.Store(maxAnswers)
	dial := func(dialCtx context.Context, network, addr string) (net.Conn, error) {
		if addr != hostport {
			return nil, fmt.Errorf("%w: %s", errElsewhere, addr)
		}
		bound := ctx
		if ctx.Err() != nil {
			bound = life
		}
		dialCtx, cancelDial := context.WithCancel(dialCtx)
		defer cancelDial()
		defer context.AfterFunc(bound, cancelDial)()
		conn, err := new(net.Dialer).DialContext(dialCtx, network, addr)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(bound, func() { _ = conn.Close() })
		return &boundedConn{Conn: conn, left: &left}, nil
	}
	c = &http.Client{
		Transport: &http.Transport{
			DialContext:       dial,
			TLSClientConfig:   w.config(ctx),
			DisableKeepAlives: true, DisableCompression: true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme || len(via) > 5 {
				return fmt.Errorf("%w: %s", errElsewhere, req.URL.Host)
			}
			return nil
		},
	}
	return c, life, func() { end(); cancel() }
}

// What a controller may not do.
var (
	errEndless   = errors.New("it answers without end")
	errElsewhere = errors.New("it sends us to another host, and we do not go there with its password")
)

// boundedConn ends a connection that brings more than it may.
type boundedConn struct {
	net.Conn
	left *atomic.Int64
}

func (c *boundedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.left.Add(-int64(n)) < 0 {
		return 0, errEndless
	}
	return n, err
}
