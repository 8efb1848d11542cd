package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"socle/pxe/tftp/tftptest"
)

const (
	tftpPort  = 69
	tftpFile  = "undionly.kpxe" // ours serves loaders only
	tftpSize  = 1_000_000
	tftpBlock = 1428
)

// tftpWorks measure the first file of a boot: many machines that are switched on at once.
func tftpWorks() (all []work) {
	for _, window := range []int{1, 16} {
		for _, clients := range []int{50, 200} {
			name := fmt.Sprintf("TFTP, a file of 1 MB, %d clients, blksize %d", clients, tftpBlock)
			peers := []peer{{"Socle", startSocleTFTP}, {"dnsmasq", startDnsmasqTFTP}, {"atftpd", startAtftpd}, {"tftpd-hpa", startTftpdHPA}}
			if window > 1 {
				name += fmt.Sprintf(", windowsize %d asked for", window)
			}
			all = append(all, work{name: name, unit: "MB/s", cost: "CPU-s/GB", per: 1000, aim: "1.2 × the fastest", peers: peers, load: fetchTFTP(clients, window)})
		}
	}
	return all
}

func tftpContent() []byte {
	var seed [32]byte
	b := make([]byte, tftpSize)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

// tftpRoot makes a folder with the file, which anybody may read.
func tftpRoot(b *bed, name string) (dir string, err error) {
	if dir, err = b.folder(name); err == nil {
		err = os.MkdirAll(filepath.Join(dir, "boot"), 0o755) //nolint:gosec // servers give up root
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "boot", tftpFile), tftpContent(), 0o644) //nolint:gosec // likewise
	}
	return dir, err
}

func startSocleTFTP(ctx context.Context, b *bed) (*server, error) {
	dir, err := tftpRoot(b, "socle-tftp")
	if err != nil {
		return nil, err
	}
	return b.startSocle(ctx, dir, answersTFTP, "--services", "tftp")
}

func startDnsmasqTFTP(ctx context.Context, b *bed) (*server, error) {
	return startTFTP(ctx, b, "dnsmasq-tftp", "dnsmasq", "--no-daemon", "--port=0", "--conf-file=/dev/null", "--enable-tftp", "--tftp-root=%s", "--tftp-max=1000", "--user=root", "--log-facility=/dev/null")
}

func startAtftpd(ctx context.Context, b *bed) (*server, error) {
	return startTFTP(ctx, b, "atftpd", "atftpd", "--daemon", "--no-fork", "--maxthread", "1000", "--verbose=0", "--bind-address", serverAddr, "%s")
}

func startTftpdHPA(ctx context.Context, b *bed) (*server, error) {
	return startTFTP(ctx, b, "tftpd-hpa", b.unpacked("usr/sbin/in.tftpd"), "--foreground", "--secure", "--user", "root", "--address", serverAddr+":69", "%s")
}

func startTFTP(ctx context.Context, b *bed, name string, argv ...string) (*server, error) {
	dir, err := tftpRoot(b, name)
	if err != nil {
		return nil, err
	}
	for i, a := range argv {
		argv[i] = strings.ReplaceAll(a, "%s", filepath.Join(dir, "boot"))
	}
	return b.start(ctx, filepath.Join(dir, "log"), argv, answersTFTP)
}

func tftpLoad(clients, window int) tftptest.Load {
	l := tftptest.Load{Server: netip.MustParseAddrPort(fmt.Sprintf("%s:%d", serverAddr, tftpPort)), File: tftpFile, Want: tftpContent(), Clients: clients, BlockSize: tftpBlock}
	if window > 1 {
		l.Window = window
	}
	return l
}

// answersTFTP is ready once a whole file has come.
func answersTFTP(ctx context.Context) error {
	l := tftpLoad(1, 1)
	l.Wait, l.GiveUp = 100*time.Millisecond, 1
	_, err := l.Run(ctx)
	return err
}

// fetchTFTP lets each client fetch the file again and again, from an address of its own.
func fetchTFTP(clients, window int) func(context.Context, *bed, time.Duration) (result, error) {
	return func(ctx context.Context, _ *bed, d time.Duration) (result, error) {
		l := tftpLoad(clients, window)
		l.For = d
		for i := range clients {
			a := netip.AddrFrom4([4]byte{198, 18, 1, byte(i + 1)})
			l.Sources = append(l.Sources, a)
			if out, err := exec.CommandContext(ctx, "ip", "addr", "replace", a.String()+"/16", "dev", clientIface).CombinedOutput(); err != nil {
				return result{}, fmt.Errorf("giving the client %s: %w: %s", a, err, out)
			}
		}
		r, err := l.Run(ctx)
		return result{done: float64(r.Bytes) / 1e6, elapsed: r.Elapsed, lost: r.Repeats, times: r.Times}, err
	}
}
