package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

const httpPort = 8080

// scriptClients is how many machines ask at a time.
const scriptClients = 64

// scriptWorks measure how many machines can ask what to boot. iPXE keeps its connection only within a boot; here
// each client keeps one, so that scripts are measured and not TCP.
func scriptWorks() []work {
	return []work{{
		name: "boot scripts, 10,000 machines known", unit: "scripts/s", cost: "µs CPU/script", per: 1e6,
		aim: "at least half of bare Go HTTP, and the same with 10 and with 100,000 machines",
		peers: []peer{
			{"Socle, 10,000 machines", startSocleWith(10_000)},
			{"Socle, 10 machines", startSocleWith(10)},
			{"Socle, 100,000 machines", startSocleWith(100_000)},
			{"matchbox, 1 machine", startMatchbox(1)},
			{"matchbox, 100 machines", startMatchbox(100)},
			{"bare Go net/http", startBareScripts},
		},
		load: askScripts,
	}}
}

// asking is how the machines ask a server for their scripts.
type asking struct {
	machines int    // that the server knows
	path     string // of the URL, before the query
	marked   string // stands before the machine's name in its script; empty: it has none
}

// ramdiskURL is where the scripts of the others find what they boot.
const ramdiskURL = "http://198.18.0.1:8080/boot/files/ramdisk/"

// startSocleWith starts socle serve with machines that shall boot their ramdisk.
func startSocleWith(machines int) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		b.asks = asking{machines: machines, path: "/boot/script.ipxe", marked: "this is "}
		dir, err := b.folder(fmt.Sprint("socle-", machines))
		if err != nil {
			return nil, err
		}
		db := filepath.Join(dir, "socle.db")
		if _, err := os.Stat(db); errors.Is(err, os.ErrNotExist) {
			if err := fill(ctx, dir, db, machines); err != nil {
				return nil, fmt.Errorf("making an inventory of %d machines: %w", machines, err)
			}
		}
		return b.startSocle(ctx, dir, answersTCP(httpPort), "--services", "boot")
	}
}

// startSocle starts socle serve on a data folder.
func (b *bed) startSocle(ctx context.Context, dir string, ready func(context.Context) error, flags ...string) (*server, error) {
	file := filepath.Join(dir, "config.yaml")
	config := fmt.Sprintf("data_dir: %s\nlisten: %s:8443\nboot: {listen: \"%s:%d\"}\nlog: {level: warn}\n", dir, serverAddr, serverAddr, httpPort)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return b.start(ctx, filepath.Join(dir, "log"), append([]string{b.socle, "serve", "--config", file}, flags...), ready)
}

// fill imports a manifest of machines that somebody has looked at already. Their states are set behind the
// store's back: changing 100,000 machines one by one is not what is measured.
func fill(ctx context.Context, dir, path string, machines int) (err error) {
	keys, err := secret.Open(filepath.Join(dir, "keyring"))
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Options{URL: path, Keys: keys})
	if err != nil {
		return err
	}
	rows := make([]store.Planned, 0, machines)
	for i := range machines {
		rows = append(rows, store.Planned{Planned: inventory.Planned{Line: i + 2, Name: machineName(i), Identity: machineIdentity(i)}})
	}
	_, err = s.Import(ctx, rows, "bench", false)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, "UPDATE machines SET state = ?", string(inventory.Discovered))
	return err
}

func machineName(i int) string { return fmt.Sprintf("m%06d", i) }

func machineIdentity(i int) inventory.Identity {
	return inventory.Identity{Serial: fmt.Sprintf("SN%08d", i), UUID: fmt.Sprintf("5ca1ab1e-0000-4000-8000-%012x", i),
		NICMACs: []string{fmt.Sprintf("52:54:%02x:%02x:%02x:00", i>>16&255, i>>8&255, i&255), fmt.Sprintf("52:54:%02x:%02x:%02x:01", i>>16&255, i>>8&255, i&255)}}.Normalize()
}

// askScripts asks in the name of machines by chance.
func askScripts(ctx context.Context, b *bed, d time.Duration) (result, error) {
	return hammer(ctx, scriptClients, d, func(r *rand.Rand, req []byte) ([]byte, func(head, body []byte) error) {
		i := r.IntN(b.asks.machines)
		id := machineIdentity(i)
		req = fmt.Appendf(req, "GET %s?mac=%s&uuid=%s&arch=x86_64&platform=efi&serial=%s&asset= HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: iPXE/1.0.0+\r\nConnection: keep-alive\r\n\r\n",
			b.asks.path, id.NICMACs[0], id.UUID, id.Serial, serverAddr, httpPort)
		return req, func(head, body []byte) error {
			if !bytes.HasPrefix(body, []byte("#!ipxe")) || !bytes.Contains(body, []byte("ramdisk/vmlinuz ")) {
				return fmt.Errorf("no script for the ramdisk: %s%s", head, body)
			}
			if b.asks.marked != "" && !bytes.Contains(body, []byte(b.asks.marked+machineName(i))) {
				return fmt.Errorf("not the script of %s: %s", machineName(i), body)
			}
			return nil
		}
	})
}

func startBareScripts(ctx context.Context, b *bed) (*server, error) {
	b.asks = asking{machines: 10_000, path: "/boot/script.ipxe"}
	return startOwn("http-scripts", httpPort)(ctx, b)
}

// serveBareScripts is the yardstick: Go's HTTP server that answers a script of the usual size and thinks nothing.
func serveBareScripts([]string) error {
	script := []byte("#!ipxe\nkernel " + ramdiskURL + "vmlinuz " + string(bytes.Repeat([]byte("x"), 1300)) + "\n")
	return serveBare(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(script)
	}))
}

func serveBare(h http.Handler) error {
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", serverAddr, httpPort)) //nolint:noctx // until it is killed
	if err != nil {
		return err
	}
	return (&http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}).Serve(l)
}

// startOwn starts one of this binary's own servers.
func startOwn(program string, port int, args ...string) func(context.Context, *bed) (*server, error) {
	return func(ctx context.Context, b *bed) (*server, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return b.start(ctx, filepath.Join(b.dir, program+".log"), append([]string{self, "serve", program}, args...), answersTCP(port))
	}
}
