package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema to this program's version. When several processes start at once, one migrates
// and the others wait.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations/"+string(s.dialect))
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	engine := goose.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithSlog(s.log), goose.WithTableName("socle_schema"), goose.WithDisableGlobalRegistry(true)}
	if s.dialect == postgresDialect {
		engine = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("locking the schema: %w", err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(engine, s.sql, files, opts...)
	if err != nil {
		return fmt.Errorf("reading migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bringing the %s database's schema up to date: %w", s.dialect, err)
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if have > known {
		return fmt.Errorf("the database's schema has version %d, this program knows %d: a newer Socle has used it, run that one", have, known)
	}
	return nil
}

// lockFile keeps others from opening the same SQLite file for the first time at once, by a lock on a file beside it:
// the first one makes it a file with a write-ahead log, which fails while anybody else looks at it, and brings the
// schema up to date. On PostgreSQL the migrations themselves take turns.
func (s *Store) lockFile(ctx context.Context) (unlock func(), err error) {
	if s.dialect != sqliteDialect {
		return func() {}, nil
	}
	f, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = pause(ctx, try)
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
}
