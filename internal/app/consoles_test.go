package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"socle/api"
	"socle/bmc"
	"socle/console"
	"socle/console/gateway"
	"socle/internal/config"
	"socle/inventory"
)

// deadLine is a console whose every call fails.
type deadLine struct{ err error }

func (d deadLine) Read([]byte) (int, error)  { return 0, d.err }
func (d deadLine) Write([]byte) (int, error) { return 0, d.err }
func (d deadLine) Break() error              { return d.err }
func (d deadLine) Lost() uint64              { return 0 }
func (d deadLine) Close() error              { return nil }

// TestLineErrors: what the hub acts on is told in its own words, and nothing is lost of the reason.
func TestLineErrors(t *testing.T) {
	taken := fmt.Errorf("%w: by somebody", bmc.ErrTaken)
	if _, err := (line{deadLine{taken}}).Read(nil); !errors.Is(err, console.ErrTaken) || !errors.Is(err, bmc.ErrTaken) || err.Error() != taken.Error() {
		t.Errorf("taken: %v", err)
	}
	if _, err := (line{deadLine{io.EOF}}).Read(nil); !errors.Is(err, io.EOF) || errors.Is(err, console.ErrTaken) {
		t.Errorf("closed: %v", err)
	}
	if _, err := (line{deadLine{bmc.ErrLineDown}}).Write(nil); !errors.Is(err, console.ErrLineDown) {
		t.Errorf("down: %v", err)
	}
}

// TestConsolesOfMachines: who may come, to which machine, and what is written down of it.
func TestConsolesOfMachines(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	ctx := t.Context()
	k, err := open(ctx, cfg, "test", slog.New(slog.DiscardHandler))
	must(t, err)
	defer k.close()
	all, err := k.makeConsoles()
	must(t, err)
	defer all.desk.Close()
	add := func(name string) inventory.Machine {
		m, _, err := k.store.Recognise(ctx, inventory.Identity{Serial: name}, "test")
		must(t, err)
		return m
	}
	hv01 := add("hv01")
	add("hv02")
	if _, err := all.Join(ctx, "token:admin", "hv01", console.Want{}); err == nil || !strings.Contains(err.Error(), "no BMC of ") {
		t.Errorf("without a BMC: %v", err)
	}
	if _, err := all.Dial(ctx, console.Machine{ID: hv01.ID, Name: "hv01"}, false); !errors.Is(err, console.ErrHopeless) {
		t.Errorf("dialling without a BMC: %v", err)
	}
	reply, err := all.Grant(ctx, "token:admin", "hv01", "gerda", time.Hour)
	must(t, err)
	keys := filepath.Join(t.TempDir(), "keys")
	must(t, os.WriteFile(keys, nil, 0o600))
	g := guard{auth{k.store}, all, keys}
	admin, err := os.ReadFile(filepath.Join(k.config.DataDir, "admin-token"))
	must(t, err)
	for _, c := range []struct{ machine, token, want string }{
		{"hv01", strings.TrimSpace(string(admin)), "token:admin"}, {"hv01", reply.Token, "guest:gerda"}, {"hv02", reply.Token, ""},
		{"nobody", reply.Token, ""}, {"hv01", "wrong", ""},
	} {
		who, err := g.Password(ctx, c.machine, c.token)
		if who != c.want || (c.want == "") != errors.Is(err, gateway.ErrNobody) {
			t.Errorf("%s with %.12s…: %q, %v", c.machine, c.token, who, err)
		}
	}
	must(t, all.Revoke(ctx, "token:admin", "hv01"))
	if _, err := g.Password(ctx, "hv01", reply.Token); !errors.Is(err, gateway.ErrNobody) {
		t.Errorf("after it was taken back: %v", err)
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	key, err := ssh.NewPublicKey(public)
	must(t, err)
	if _, err := g.Key(ctx, key); !errors.Is(err, gateway.ErrNobody) {
		t.Errorf("an unknown key: %v", err)
	}
	must(t, os.WriteFile(keys, append([]byte(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))), " anna\n"...), 0o600))
	if who, err := g.Key(ctx, key); who != "key:anna" || err != nil {
		t.Errorf("a known key: %q, %v", who, err)
	}
	if _, err := (guard{auth{k.store}, all, ""}).Key(ctx, key); !errors.Is(err, gateway.ErrNobody) {
		t.Errorf("without a file: %v", err)
	}
	events, err := k.store.Events(context.WithoutCancel(ctx), inventory.EventFilter{Machine: hv01.ID, Limit: 50})
	must(t, err)
	var said []string
	for _, e := range events {
		if e.Kind == "console" {
			said = append(said, e.Actor+" "+e.Reason)
		}
	}
	if got := strings.Join(said, "; "); !strings.Contains(got, `token:admin gave "gerda" the console until `) || !strings.Contains(got, "ended the guests' tokens") || strings.Contains(got, reply.Token) {
		t.Errorf("written down: %s", got)
	}
}

// TestKeepAll: with console.record: always the console of every machine whose BMC is known is held open, and no other; one
// that cannot be reached says why and is tried again.
func TestKeepAll(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir, cfg.Console.Record = t.TempDir(), config.RecordAlways
	ctx, cancel := context.WithCancel(t.Context())
	k, err := open(ctx, cfg, "test", slog.New(slog.DiscardHandler))
	must(t, err)
	defer k.close()
	stray, _, err := k.store.Recognise(ctx, inventory.Identity{Serial: "STRAY"}, "test")
	must(t, err)
	_, err = importer{k.store}.Import(ctx, "test", []byte(
		"name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\nhv01,SN-1,R1,1,ipmi,"+freeAddr(t)+",admin,s3cret\n"), api.ImportOptions{})
	must(t, err)
	m, err := k.store.Machine(ctx, "hv01")
	must(t, err)
	all, err := k.makeConsoles()
	must(t, err)
	tasks := all.tasks(cfg.Console)
	if len(tasks) != 2 {
		t.Fatalf("%d tasks", len(tasks))
	}
	done := make(chan error, len(tasks))
	for _, task := range tasks {
		go func() { done <- task.Run(ctx) }()
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		st, ok := all.desk.Status(m.ID)
		if ok && st.Pinned && st.State == console.Down && strings.Contains(st.Why, "nothing listens on that UDP port") && !strings.Contains(st.Why, "s3cret") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("hv01: %v, %+v", ok, st)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, ok := all.desk.Status(stray.ID); ok {
		t.Error("a machine without a BMC has a console")
	}
	cancel()
	for range tasks {
		must(t, <-done)
	}
}
