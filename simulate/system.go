package simulate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"gopkg.in/yaml.v3"

	"socle/agent/disk"
	"socle/api"
)

// installed is what a deployed system knows from its seed.
type installed struct {
	url    string // to phone home to
	ca     []byte // PEM, of who answers there
	called bool
}

// seed keeps what the seed tells the system to do at its first boot.
func (b *boot) seed(_ context.Context, o api.Order, _ func(done, total, wire int64)) (any, error) {
	var w api.Seed
	err := json.Unmarshal(o.Params, &w)
	var on *installed
	if err == nil {
		on, err = readSeed(w.Files["user-data"])
	}
	if err != nil {
		return nil, &disk.Failure{Code: api.CodeBadParams, Err: fmt.Errorf("reading the seed: %w", err)}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disk = on
	return nil, nil
}

// readSeed finds the call that a system is to make in its cloud-config: that of Socle's own images, else that of
// cloud-init's modules.
func readSeed(text string) (*installed, error) {
	var config struct {
		Files []struct{ Path, Content string } `yaml:"write_files"`
		CA    struct{ Trusted []string }       `yaml:"ca_certs"`
		Home  struct{ URL string }             `yaml:"phone_home"`
	}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		return nil, err
	}
	on := &installed{url: config.Home.URL}
	for _, pem := range config.CA.Trusted {
		on.ca = append(on.ca, pem...)
	}
	files := map[string]string{}
	for _, f := range config.Files {
		files[f.Path] = f.Content
	}
	if own := files["/etc/socle/phone-home.json"]; own != "" {
		var home struct{ URL, CA string }
		if err := json.Unmarshal([]byte(own), &home); err != nil {
			return nil, err
		}
		on.url, on.ca = home.URL, []byte(files[home.CA])
	}
	if on.url == "" {
		return nil, errors.New("it names nobody to phone home to")
	}
	return on, nil
}

// system boots what is on the disk: it phones home once, and then runs until the power goes.
func (b *boot) system(ctx context.Context) error {
	b.mu.Lock()
	on := b.disk
	b.mu.Unlock()
	if on == nil {
		return errors.New("the disk holds no system")
	}
	if err := sleep(ctx, b.run.some(b.run.Kernel)); err != nil {
		return err
	}
	who := asSystem
	who.name = b.Name
	if err := b.address(ctx, who); err != nil {
		return err
	}
	b.close()
	b.run.tasks.Go(func() { b.run.relay.keep(ctx, b.Server, b.lease, who) })
	if !on.called {
		if err := b.phoneHome(ctx, on); err != nil {
			return err
		}
		on.called = true
		b.reach(SystemUp)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// phoneHome calls until it is answered.
func (b *boot) phoneHome(ctx context.Context, on *installed) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(on.ca) {
		return errors.New("the seed names no authority that could be trusted")
	}
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: b.run.net.dial(b.lease.addr),
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	body, err := json.Marshal(api.PhoneHome{Hostname: b.Name, Serial: b.Serial, State: api.PhoneReady})
	if err != nil {
		return err
	}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, on.url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode/100 == 2 {
				return nil
			}
		}
		if err := sleep(ctx, b.run.Retry); err != nil {
			return err
		}
	}
}
