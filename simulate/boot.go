package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"socle/agent"
	"socle/lab/redfish"
)

// dialTimeout is how long a connection may take.
const dialTimeout = 10 * time.Second

// next is how a boot ended.
type next int

const (
	again next = iota // the server restarts
	power             // it switches itself off
)

// work boots a server, and again when a boot ends, until it is switched off.
func (m *machine) work(ctx context.Context) {
	for ctx.Err() == nil {
		m.run.stats.count(BootsBegun)
		how, err := m.boot(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			m.run.stats.fail(err.Error())
			m.run.log.Debug("boot failed", "server", m.Name, "err", err)
			if sleep(ctx, m.run.Retry) != nil {
				return
			}
		case how == power:
			return
		}
	}
}

// boot is one boot, from the self-test on.
func (m *machine) boot(ctx context.Context) (next, error) {
	b := &boot{machine: m, mark: time.Now()}
	device := m.take()
	if err := sleep(ctx, m.run.some(m.run.SelfTest)); err != nil {
		return again, err
	}
	if device != redfish.DeviceDisk {
		how, disk, err := b.network(ctx)
		if err != nil || !disk {
			return how, err
		}
	}
	return again, b.system(ctx)
}

// boot is what one boot has come to.
type boot struct {
	*machine
	mark   time.Time // of the last milestone
	lease  lease
	client *http.Client
}

// reach notes a milestone, with the time since the last.
func (b *boot) reach(m Milestone) {
	now := time.Now()
	b.run.stats.reach(b.Index, m, now.Sub(b.mark))
	b.mark = now
}

// address asks for an address as somebody, and makes what speaks HTTP from it.
func (b *boot) address(ctx context.Context, who asking) error {
	l, err := b.run.relay.acquire(ctx, b.Server, who)
	if err != nil {
		return fmt.Errorf("asking for an address: %w", err)
	}
	if b.lease.addr != l.addr {
		b.close()
		b.client = &http.Client{Transport: &http.Transport{DialContext: b.run.net.dial(l.addr), MaxIdleConnsPerHost: 1, DisableCompression: true}}
	}
	b.lease = l
	return nil
}

func (b *boot) close() {
	if b.client != nil {
		b.client.CloseIdleConnections()
	}
}

// network boots from the network; disk tells that the disk is to be booted instead.
func (b *boot) network(ctx context.Context) (how next, disk bool, err error) {
	defer b.close()
	if b.Odd == NoNetworkBoot {
		<-ctx.Done() // its firmware shows a menu
		return again, false, context.Cause(ctx)
	}
	if err := b.address(ctx, asFirmware); err != nil {
		return again, false, err
	}
	b.reach(GotAddress)
	if b.lease.file == "" {
		return again, true, nil
	}
	if err := b.fetch(ctx, b.lease.file, FilesWhole); err != nil { // the loader is to be run
		return again, false, fmt.Errorf("fetching the loader: %w", err)
	}
	if err := b.address(ctx, asIPXE); err != nil {
		return again, false, err
	}
	s, err := b.scripts(ctx)
	if err != nil || s.disk {
		return again, s.disk, err
	}
	b.reach(GotScript)
	for _, file := range []string{s.kernel, s.initrd} {
		if err := b.fetch(ctx, file, b.run.Files); err != nil {
			return again, false, fmt.Errorf("fetching the ramdisk: %w", err)
		}
	}
	params, err := agent.ParseParams(strings.Join(s.params, " "))
	if err != nil {
		return again, false, err
	}
	b.close()
	if err := sleep(ctx, b.run.some(b.run.Kernel)); err != nil {
		return again, false, err
	}
	how, err = b.agent(ctx, params)
	return how, false, err
}

// scripts follows the boot scripts to what is to be booted.
func (b *boot) scripts(ctx context.Context) (script, error) {
	start := b.lease.file
	for at := start; ; {
		text, err := b.text(ctx, at)
		if err != nil {
			return script{}, fmt.Errorf("fetching the boot script: %w", err)
		}
		s := readScript(text, map[string]string{"netX/mac": b.MACs[0], "uuid": b.UUID, "buildarch": "x86_64", "platform": "efi", "serial": b.Serial})
		switch {
		case s.disk, s.kernel != "" && s.initrd != "":
			return s, nil
		case s.chain == "":
			return s, errors.New("a boot script names nothing to boot")
		}
		if err := sleep(ctx, s.after); err != nil {
			return s, err
		}
		if s.address {
			if err := b.address(ctx, asIPXE); err != nil {
				return s, err
			}
		}
		at = s.chain
	}
}

// maxScript bounds a boot script, in bytes.
const maxScript = 64 << 10

func (b *boot) text(ctx context.Context, url string) (string, error) {
	begun := time.Now()
	res, err := b.get(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxScript))
	b.run.stats.took(AnswerScript, time.Since(begun))
	return string(text), err
}

// Files says how much of the boot files is fetched.
type Files string

// The ways to fetch boot files.
const (
	FilesWhole Files = "whole"
	FilesFirst Files = "first" // 64 KiB
	FilesHead  Files = "head"  // their size only
)

const firstBytes = 64 << 10

// fetch gets a boot file, or a part of it, and throws it away.
func (b *boot) fetch(ctx context.Context, url string, how Files) error {
	method, header := http.MethodGet, http.Header{}
	switch how {
	case FilesHead:
		method = http.MethodHead
	case FilesFirst:
		header.Set("Range", fmt.Sprintf("bytes=0-%d", firstBytes-1))
	case FilesWhole:
	}
	begun := time.Now()
	res, err := b.get(ctx, method, url, header)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b.run.stats.took(AnswerFile, time.Since(begun))
	n, err := io.Copy(io.Discard, res.Body)
	b.run.stats.count(FilesFetched)
	b.run.stats.add(FileBytes, n)
	return err
}

// get asks for something and wants success.
func (b *boot) get(ctx context.Context, method, url string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		req.Header[name] = value
	}
	res, err := b.client.Do(req)
	if err == nil && res.StatusCode/100 != 2 {
		_ = res.Body.Close()
		err = fmt.Errorf("%s: the server answers %s", req.URL.Path, res.Status)
	}
	return res, err
}
