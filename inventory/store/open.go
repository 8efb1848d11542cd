package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"socle/internal/secret"
)

// Options say which database to open.
type Options struct {
	// URL is "postgres://…", "sqlite:PATH", or the path of a SQLite file, which is made when absent.
	URL  string
	Keys *secret.Keyring // seals BMC passwords; without it none can be stored or read
	Now  func() time.Time
	Log  *slog.Logger
}

// Store is the inventory in its database. It may be used by many goroutines, the database by many processes.
type Store struct {
	db      *gorm.DB
	sql     *sql.DB
	dialect dialect
	path    string    // of the SQLite file
	self    string    // this process, among those that write leases
	tick    *sql.Stmt // of SQLite, as the next two; see prepare
	upsert  *sql.Stmt
	witness *sql.Stmt
	keys    *secret.Keyring
	now     func() time.Time
	log     *slog.Logger
	enqueue atomic.Pointer[enqueueFunc]
	// writing is held by the writer of this process where the engine knows one writer only: waiting in line
	// is quicker and fairer than polling a busy file.
	writing chan struct{}

	mu          sync.Mutex
	subscribers map[chan struct{}]struct{}
}

type enqueueFunc = func(ctx context.Context, tx *sql.Tx, machineID string) error

// Open opens the database and brings its schema up to date.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{self: rand.Text(), keys: o.Keys, now: o.Now, log: o.Log, subscribers: map[chan struct{}]struct{}{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if strings.HasPrefix(o.URL, "postgres://") || strings.HasPrefix(o.URL, "postgresql://") {
		s.dialect = postgresDialect
		s.sql, err = openPostgres(o.URL)
	} else {
		s.dialect = sqliteDialect
		s.writing = make(chan struct{}, 1)
		s.path = strings.TrimPrefix(o.URL, "sqlite:")
		s.sql, err = openSQLite(s.path)
	}
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.sql.Close())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	unlock, err := s.lockFile(ctx)
	if err != nil {
		return fmt.Errorf("locking the database: %w", err)
	}
	defer unlock()
	if err := s.Ping(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	db, err := gorm.Open(s.dialect.gorm(s.sql), &gorm.Config{
		Logger:                 logger.Discard, // errors are returned, and logged by who handles them
		TranslateError:         true,
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		NowFunc:                s.now,
	})
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	s.db = db
	return nil
}

// Close closes the database.
func (s *Store) Close() error { return s.sql.Close() }

// SQL is the pool of connections, for the work engine that lives in the same database.
func (s *Store) SQL() *sql.DB { return s.sql }

// Dialect is "sqlite" or "postgres".
func (s *Store) Dialect() string { return string(s.dialect) }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.sql.PingContext(ctx); err != nil {
		return fmt.Errorf("reaching the %s database: %w", s.dialect, err)
	}
	return nil
}
