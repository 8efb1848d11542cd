package cloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"socle/internal/secret"
	"socle/seed"
)

// Port is where the proxy listens.
const Port = 8080

// Options say where a controller runs.
type Options struct {
	RootDir  string // made by the recipe "controller"
	StateDir string // keeps configuration, rings and secrets; 0700
	// Namespace is the rack's network namespace; empty for the caller's own.
	Namespace string
	// Interface of that namespace receives Address, e.g. the rack's bridge; empty: the address is there already.
	Interface string
	Address   netip.Prefix // e.g. 198.18.0.5/24
	Log       *slog.Logger
}

// Controller is a running controller. Its methods may be called concurrently.
type Controller struct {
	o      Options
	secret secrets

	mu    sync.Mutex
	proxy *process // nil until there is a ring
}

// Start prepares a controller and, when its state has rings already, starts the proxy. Stop it in any case.
func Start(ctx context.Context, o Options) (*Controller, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Controller{o: o}
	if err := c.prepare(ctx); err != nil {
		return nil, fmt.Errorf("starting the cloud controller: %w", err)
	}
	if _, err := os.Stat(filepath.Join(o.StateDir, "object.ring.gz")); errors.Is(err, fs.ErrNotExist) {
		o.Log.Info("the cloud controller waits for its first disks")
		return c, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.restart(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the cloud controller: %w", err), c.release(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Controller) prepare(ctx context.Context) (err error) {
	if !c.o.Address.IsValid() {
		return errors.New("it has no address")
	}
	for _, p := range []*string{&c.o.RootDir, &c.o.StateDir} {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(c.o.RootDir, "usr/bin/swift-proxy-server")); err != nil {
		return fmt.Errorf("%s is not the recipe \"controller\": %w: build it first", c.o.RootDir, err)
	}
	if err := os.MkdirAll(c.o.StateDir, 0o700); err != nil {
		return err
	}
	if c.secret, err = openSecrets(filepath.Join(c.o.StateDir, "secrets.json")); err != nil {
		return err
	}
	if err := c.configure(); err != nil {
		return err
	}
	return c.attach(ctx)
}

// URL is the proxy's address.
func (c *Controller) URL() string {
	return "http://" + net.JoinHostPort(c.o.Address.Addr().String(), strconv.Itoa(Port))
}

// User is the name for auth v1, "account:user".
func (c *Controller) User() string { return "socle:verify" }

// Key is that user's password.
func (c *Controller) Key() secret.Secret { return secret.New(c.secret.Key) }

// HashSuffix is the cluster's secret that every storage node needs in its seed.
func (c *Controller) HashSuffix() secret.Secret { return secret.New(c.secret.HashSuffix) }

// Running tells whether the proxy runs; it does from the first ring on.
func (c *Controller) Running() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proxy != nil && c.proxy.alive()
}

// Stop ends the proxy and takes the address away. It may be called more than once.
func (c *Controller) Stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proxy != nil {
		c.proxy.kill()
		c.proxy = nil
	}
	return c.release(ctx)
}

// restart makes the proxy run with the rings of now and waits until it answers. Callers hold mu.
func (c *Controller) restart(ctx context.Context) error {
	if c.proxy != nil {
		c.proxy.kill()
	}
	log, err := os.OpenFile(filepath.Join(c.o.StateDir, "proxy.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the proxy's log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own copy
	if c.proxy, err = c.start(log, "/usr/lib/socle/controller"); err != nil {
		return err
	}
	if err := c.answers(ctx); err != nil {
		c.proxy.kill()
		return fmt.Errorf("the Swift proxy does not come up: %w: see %s", err, log.Name())
	}
	c.o.Log.Info("the Swift proxy answers", "url", c.URL())
	return nil
}

// answers waits for the proxy's health check.
func (c *Controller) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		err := health(ctx, client, c.URL()+"/healthcheck")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-c.proxy.done:
			return errors.New("it ended")
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func health(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}

// configure writes the proxy's files. The nodes get the same swift.conf by their seeds.
func (c *Controller) configure() error {
	for name, text := range map[string]string{
		"swift.conf":        seed.SwiftConf(c.secret.HashSuffix),
		"proxy-server.conf": proxyConf(c.o.Address.Addr(), c.User(), c.secret.Key),
	} {
		path := filepath.Join(c.o.StateDir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("configuring the proxy: %w", err)
		}
	}
	return nil
}
