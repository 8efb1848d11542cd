package pgtest

import (
	"database/sql"
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
