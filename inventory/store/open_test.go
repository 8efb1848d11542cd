package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
)

func TestOpenAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		again := b.open()
		if got, err := again.Machine(b.ctx, m.ID); err != nil || got.Name != "hv01" {
			t.Errorf("%+v, %v", got, err)
		}
		must(t, again.Ping(b.ctx))
		if again.Dialect() != strings.TrimPrefix(t.Name(), "TestOpenAgain/") {
			t.Errorf("dialect is %s", again.Dialect())
		}
		_, err := b.SQL().ExecContext(b.ctx, "INSERT INTO socle_schema (version_id, is_applied) VALUES (99999, TRUE)")
		must(t, err)
		if _, err := store.Open(b.ctx, store.Options{URL: b.url}); err == nil || !strings.Contains(err.Error(), "newer Socle") {
			t.Errorf("a database of the future: %v", err)
		}
	})
}

// TestOpenAtOnce opens a fresh database by several programs at the same time.
func TestOpenAtOnce(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			url := e.url(t)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					s, err := store.Open(t.Context(), store.Options{URL: url})
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := s.Machines(t.Context()); err != nil {
						t.Error(err)
					}
					s.Close()
				})
			}
			wg.Wait()
		})
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	must(t, os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600))
	for _, tt := range []struct{ url, want string }{
		{"", "no path"},
		{"sqlite:", "no path"},
		{"/no/such/folder/socle.db", "its folder does not exist"},
		{text, "not a database"},
		{"postgres://u:hunter2@[bad/x", "postgres://user:password@host"},
		{"postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=2", "reaching the postgres database"},
	} {
		s, err := store.Open(t.Context(), store.Options{URL: tt.url})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("opening %q: %v", tt.url, err)
		}
	}
}

// TestSQLiteFile looks at what durability and secrecy rest on, on several connections of the pool at once.
func TestSQLiteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20.db") // a path is no URL
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path})
	must(t, err)
	defer s.Close()
	for range 4 {
		conn, err := s.SQL().Conn(t.Context())
		must(t, err)
		defer conn.Close()
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "15000", "recursive_triggers": "1"} {
			var got string
			must(t, conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
			if got != want {
				t.Errorf("%s is %s, want %s", pragma, got, want)
			}
		}
	}
	files, err := filepath.Glob(filepath.Dir(path) + "/*")
	must(t, err)
	for _, f := range files {
		info, err := os.Stat(f)
		must(t, err)
		if info.Mode().Perm() != 0o600 || !strings.HasPrefix(f, path) {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

// TestKilled kills a process that stores one change after another, in the middle of it. Every change that it
// was told is stored must be there, with its event, and the database must open as if nothing had been.
func TestKilled(t *testing.T) {
	if url := os.Getenv("SOCLE_TEST_VICTIM"); url != "" {
		victim(t, url)
	}
	onBoth(t, func(t *testing.T, b *bench) {
		m := b.plan(hv(1))
		for range 3 {
			cmd := exec.CommandContext(b.ctx, os.Args[0], "-test.run=^TestKilled$")
			cmd.Env = append(os.Environ(), "SOCLE_TEST_VICTIM="+b.url)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			told := int64(0)
			lines := bufio.NewScanner(out)
			for n := 0; n < 50 && lines.Scan(); n++ {
				if told, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
					t.Fatalf("the victim said %q", lines.Text())
				}
			}
			must(t, cmd.Process.Kill())
			for lines.Scan() { // what was on its way
				if v, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
					told = v
				}
			}
			if err := cmd.Wait(); err == nil {
				t.Error("the victim ended before it was killed")
			}
			got, err := b.open().Machine(b.ctx, m.ID)
			must(t, err)
			if got.Version < told || told < 50 {
				t.Errorf("the victim was told of version %d, stored is %d", told, got.Version)
			}
			if n := len(b.events(store.EventFilter{Machine: m.ID, Limit: 10000})); int64(n) != got.Version {
				t.Errorf("version %d has %d events", got.Version, n)
			}
		}
		if b.Dialect() == "sqlite" {
			var ok string
			must(t, b.SQL().QueryRowContext(b.ctx, "PRAGMA integrity_check").Scan(&ok))
			if ok != "ok" {
				t.Errorf("the file is damaged: %s", ok)
			}
		}
	})
}

// victim changes a machine until it is killed, and tells each version after it is stored.
func victim(t *testing.T, url string) {
	s, err := store.Open(t.Context(), store.Options{URL: url})
	must(t, err)
	m, err := s.Machine(t.Context(), "hv01")
	must(t, err)
	for {
		got, err := s.Change(t.Context(), m.ID, "victim", func(m *inventory.Machine) (inventory.Note, error) {
			m.Place.U++
			return inventory.Note{Kind: "count"}, nil
		})
		must(t, err)
		fmt.Println(got.Version)
	}
}

func TestWithoutKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		s, err := store.Open(b.ctx, store.Options{URL: b.url})
		must(t, err)
		defer s.Close()
		if _, err := s.Import(b.ctx, []store.Planned{hv(1)}, "a", false); err == nil || !strings.Contains(err.Error(), "keyring") {
			t.Errorf("importing a password without keys: %v", err)
		}
		if all, err := s.Machines(b.ctx); err != nil || len(all) != 0 {
			t.Errorf("%d machines, %v", len(all), err)
		}
		p := hv(1)
		p.BMC, p.Password = inventory.BMC{}, secret.Secret{} // one of which no BMC is known yet needs no key
		_, err = s.Import(b.ctx, []store.Planned{p}, "a", false)
		must(t, err)
	})
}

// TestWaitingWriterGivesUp: a writer that waits for another one stops when its caller does.
func TestWaitingWriterGivesUp(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bench) {
		must(t, b.SetSetting(b.ctx, "k", "0"))
		tx, err := b.SQL().BeginTx(b.ctx, nil)
		must(t, err)
		defer tx.Rollback()
		_, err = tx.ExecContext(b.ctx, "UPDATE settings SET value = '1'")
		must(t, err)
		ctx, cancel := context.WithCancelCause(b.ctx)
		tired := errors.New("tired")
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- b.SetSetting(ctx, "k", "2") }()
		}
		select {
		case err := <-done:
			t.Fatalf("a second writer did not wait: %v", err)
		default:
		}
		cancel(tired)
		for range 2 {
			if err := <-done; err == nil {
				t.Error("a writer that gave up has written")
			}
		}
		must(t, tx.Rollback())
		if got, err := b.Setting(b.ctx, "k"); err != nil || got != "0" {
			t.Errorf("setting is %q, %v", got, err)
		}
	})
}
