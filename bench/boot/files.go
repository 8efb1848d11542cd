package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	ramdiskSize = 30 << 20
	fileClients = 64
	ramdiskPath = "/boot/files/ramdisk/initrd" // everybody serves it under our path
)

// fileWorks measure how many bytes a second of the server's CPU moves.
func fileWorks() []work {
	return []work{{
		name: "HTTP, a ramdisk of 30 MB, 64 clients", unit: "MB/s", cost: "CPU-s/GB", per: 1000,
		aim:   "at least as many bytes per CPU-second as nginx",
		peers: []peer{{"Socle", startSocleFiles}, {"nginx (sendfile)", startNginx}, {"bare Go net/http", startBareFiles}},
		check: checkRamdisk, load: fetchRamdisk,
	}}
}

// ramdisk is the file's content: by chance, the same in each run.
func ramdisk() []byte {
	var seed [32]byte
	b := make([]byte, ramdiskSize)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

// wwwRoot writes the file below dir as its path says.
func wwwRoot(dir, path string) error {
	file := filepath.Join(dir, path)
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // servers that give up root read it
		return err
	}
	return os.WriteFile(file, ramdisk(), 0o644) //nolint:gosec // likewise
}

func startSocleFiles(ctx context.Context, b *bed) (*server, error) {
	dir, err := b.folder("socle-files")
	if err == nil {
		err = wwwRoot(dir, "boot/ramdisk/initrd")
	}
	if err != nil {
		return nil, err
	}
	return b.startSocle(ctx, dir, answersTCP(httpPort), "--services", "boot")
}

const nginxConfig = `daemon off;
user root;
worker_processes auto;
pid %[1]s/pid;
error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
  server { listen %[2]s:%[3]d; root %[1]s; }
}
`

func startNginx(ctx context.Context, b *bed) (*server, error) {
	dir, err := b.folder("nginx")
	if err == nil {
		err = wwwRoot(dir, ramdiskPath)
	}
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, nginxConfig, dir, serverAddr, httpPort), 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, filepath.Join(dir, "log"), []string{"nginx", "-c", file, "-p", dir, "-e", "stderr"}, answersTCP(httpPort))
}

func startBareFiles(ctx context.Context, b *bed) (*server, error) {
	dir, err := b.folder("http-files")
	if err == nil {
		err = wwwRoot(dir, ramdiskPath)
	}
	if err != nil {
		return nil, err
	}
	return startOwn("http-files", httpPort, dir)(ctx, b)
}

func serveBareFiles(args []string) error {
	if len(args) != 1 {
		return errors.New("which folder?")
	}
	return serveBare(http.FileServer(http.Dir(args[0])))
}

var fetchRequest = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", ramdiskPath, serverAddr)

// checkRamdisk fetches the file once and looks at each byte.
func checkRamdisk(ctx context.Context, _ *bed) error {
	c, err := dial(ctx, httpPort, time.Now().Add(time.Minute))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(fetchRequest); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	_, length, err := readHead(in)
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.CopyN(h, in, int64(length)); err != nil {
		return err
	}
	if want := sha256.Sum256(ramdisk()); !bytes.Equal(h.Sum(nil), want[:]) {
		return fmt.Errorf("%d bytes came, and not those of the file", length)
	}
	return nil
}

// fetchRamdisk fetches the file again and again. The bytes are counted and thrown away by the kernel.
func fetchRamdisk(ctx context.Context, _ *bed, d time.Duration) (result, error) {
	start := time.Now()
	end := start.Add(d)
	var bytes atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range fileClients {
		group.Go(func() error {
			c, err := dial(ctx, httpPort, end.Add(30*time.Second))
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			in := bufio.NewReaderSize(c, 1<<10)
			buffer := make([]byte, 1<<20)
			for time.Now().Before(end) && ctx.Err() == nil {
				if _, err := c.Write(fetchRequest); err != nil {
					return fmt.Errorf("asking: %w", err)
				}
				_, length, err := readHead(in)
				if err != nil {
					return err
				}
				if length != ramdiskSize {
					return fmt.Errorf("the file has %d bytes, not %d", length, ramdiskSize)
				}
				came, err := in.Discard(min(in.Buffered(), length))
				for bytes.Add(int64(came)); err == nil && came < length && time.Now().Before(end); {
					var n int
					n, err = discard(c, buffer[:min(len(buffer), length-came)])
					came += n
					bytes.Add(int64(n))
				}
				if err != nil {
					return fmt.Errorf("after %d bytes of the file: %w", came, err)
				}
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	return result{done: float64(bytes.Load()) / 1e6, elapsed: time.Since(start)}, err
}

// discard takes up to len(b) bytes from a connection without copying them: MSG_TRUNC of tcp(7).
func discard(c *net.TCPConn, b []byte) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	errRead := raw.Read(func(fd uintptr) bool {
		n, _, err = unix.Recvfrom(int(fd), b, unix.MSG_TRUNC|unix.MSG_DONTWAIT) //nolint:gosec // a descriptor fits
		return !errors.Is(err, unix.EAGAIN)
	})
	if err = errors.Join(errRead, err); err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	return max(n, 0), err
}
