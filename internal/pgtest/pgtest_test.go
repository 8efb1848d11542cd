package pgtest

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestURL(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		url := URL(t)
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var version, name string
		if err := db.QueryRowContext(t.Context(), "SELECT version(), current_database()").Scan(&version, &name); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(version, "PostgreSQL ") || seen[name] {
			t.Errorf("database %s of %s", name, version)
		}
		seen[name] = true
		// The name of a table that another test's database has is free here.
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE mine (n INT)"); err != nil {
			t.Error(err)
		}
	}
}

func TestStop(t *testing.T) {
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.exec("SELECT 1"); err != nil {
		t.Error(err)
	}
	if err := c.stop(); err != nil {
		t.Error(err)
	}
	if err := c.exec("SELECT 1"); err == nil {
		t.Error("the server answers after its end")
	}
}

func TestBinaries(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	pattern := filepath.Join(dir, "*", "bin", "initdb")
	if _, err := binaries(pattern); err == nil || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("without PostgreSQL: %v", err)
	}
	for _, v := range []string{"9.6", "15", "7"} {
		bin := filepath.Join(dir, v, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := binaries(pattern); err != nil || got != filepath.Join(dir, "15", "bin") {
		t.Errorf("of 7, 9.6 and 15 it takes %s, %v", got, err)
	}
}
