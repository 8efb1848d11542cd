package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	gormpostgres "gorm.io/driver/postgres"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"
)

// dialect is the engine behind the store, and all that differs between the two.
type dialect string

const (
	sqliteDialect   dialect = "sqlite"
	postgresDialect dialect = "postgres"
)

// maxConns bounds the pool: the store and the work engine share it.
const maxConns = 16

func (d dialect) gorm(db *sql.DB) gorm.Dialector {
	if d == postgresDialect {
		return gormpostgres.New(gormpostgres.Config{Conn: db})
	}
	return translating{Dialector: gormsqlite.New(gormsqlite.Config{Conn: db})}
}

// openSQLite opens a file that only its owner can read. Every transaction takes the write lock at its
// begin (an upgrade in the middle would fail at once instead of waiting), every commit is synced.
func openSQLite(path string) (*sql.DB, error) {
	if path == "" {
		return nil, errors.New("opening the database: no path and no URL is given")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	// Only a file that is not there yet is opened here: closing one would take this process's locks off it.
	f, err := os.OpenFile(abs, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case err == nil:
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("creating the database: %w", err)
		}
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("creating the database: its folder does not exist: %w", err)
	case !errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("creating the database: %w", err)
	}
	q := url.Values{
		"_txlock":      {"immediate"},
		"_time_format": {"sqlite"}, // of the work engine's columns
		"_pragma": {
			"busy_timeout(15000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"recursive_triggers(1)", // else INSERT OR REPLACE deletes history unseen
		},
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", abs, err)
	}
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	return db, nil
}

func openPostgres(dsn string) (*sql.DB, error) {
	conf, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("opening the database: the PostgreSQL URL cannot be read: write postgres://user:password@host:5432/name") // err may quote the password
	}
	if conf.ConnectTimeout == 0 {
		conf.ConnectTimeout = 10 * time.Second
	}
	db := stdlib.OpenDB(*conf)
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns / 2)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}

// translating gives gorm the meaning of the pure Go driver's error codes, which gorm's own translation,
// made for another driver, does not know.
type translating struct{ gorm.Dialector }

// Translate implements gorm.ErrorTranslator.
func (translating) Translate(err error) error {
	var se *sqlite.Error
	if errors.As(err, &se) {
		switch se.Code() {
		case sqlitelib.SQLITE_CONSTRAINT_UNIQUE, sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY:
			return errors.Join(gorm.ErrDuplicatedKey, err)
		case sqlitelib.SQLITE_CONSTRAINT_FOREIGNKEY:
			return errors.Join(gorm.ErrForeignKeyViolated, err)
		}
	}
	return err
}

// SavePoint implements gorm.SavePointerDialectorInterface.
func (t translating) SavePoint(tx *gorm.DB, name string) error {
	return tx.Exec("SAVEPOINT " + name).Error
}

// RollbackTo implements gorm.SavePointerDialectorInterface.
func (t translating) RollbackTo(tx *gorm.DB, name string) error {
	return tx.Exec("ROLLBACK TO SAVEPOINT " + name).Error
}

// retriable tells whether a transaction failed only because of another one, and can be run again.
func retriable(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code == "40001" || pe.Code == "40P01" // serialization failure, deadlock
	}
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == sqlitelib.SQLITE_BUSY
}

// full tells whether the database's disk has no room left.
func full(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code == "53100" // disk full
	}
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == sqlitelib.SQLITE_FULL
}
