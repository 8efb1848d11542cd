package provision

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A job that is "running" belongs to the client whose ID stands last in its attempted_by. Whether that client
// lives is told by a lock: a process works on jobs only while it holds, by a connection of its own, the advisory
// lock that is named by its ID. PostgreSQL lets go of the lock when the connection breaks, which is at once when
// the process is killed. A process that loses the lock stops its jobs and goes on under another ID, so a lock
// that is free is never taken again by its owner (docs/adr/0004).
const (
	// lifePrefix tells IDs that hold a lock from those that River makes itself.
	lifePrefix = "life:"
	// lifeEvery is how often a process looks whether it holds its lock, and for locks of others that are free.
	lifeEvery = time.Second
	// lifeAnswer is how long the database may take to answer that.
	lifeAnswer = 2 * time.Second
	// graceOfDead is how long a lock has to be free until the jobs of its owner are given to others. In this time
	// an owner that lives notices and stops them: lifeEvery + lifeAnswer at most, and a moment.
	graceOfDead = 5 * time.Second
)

// keepalives make PostgreSQL notice in 60 s that a host is gone which could not close its connections. It must be
// longer than the owner takes to give up, when it is only the network between them that is gone: 3 s, and about
// 40 s in which River tries to write down how its jobs ended.
const keepalives = "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 4"

// lockKey is the number of an ID's advisory lock.
const lockKey = "hashtextextended($1, 0)"

// life is the time in which a process may work on jobs.
type life struct {
	id   string
	lost chan struct{} // closed when the process must stop
	end  func()        // gives the lock back
}

// begin begins a life. With the embedded database there is no other process, so what was left is taken at once.
func (e *Engine) begin(ctx context.Context) (*life, error) {
	l := &life{id: lifePrefix + uuid.NewString(), lost: make(chan struct{}), end: func() {}}
	if e.Store.Dialect() == "sqlite" {
		return l, e.inheritAll(context.WithoutCancel(ctx))
	}
	conn, err := e.Store.SQL().Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database for this server's lock: %w", err)
	}
	locked := false
	_, err = conn.ExecContext(ctx, keepalives)
	if err == nil {
		err = conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock("+lockKey+")", l.id).Scan(&locked)
	}
	if err == nil && !locked {
		err = errors.New("somebody else holds it")
	}
	if err != nil {
		closeForGood(conn)
		return nil, fmt.Errorf("taking this server's lock %s: %w", l.id, err)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		l.watch(watching, conn)
	}()
	l.end = func() {
		stop()
		<-watched
		closeForGood(conn)
	}
	return l, nil
}

// closeForGood closes a connection instead of giving it back to the pool, where it would keep its locks. An
// error says that it is closed already.
func closeForGood(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

// watch looks whether the lock is still held, until it is not.
func (l *life) watch(ctx context.Context, conn *sql.Conn) {
	tick := time.NewTicker(lifeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asking, cancel := context.WithTimeout(ctx, lifeAnswer)
		var held bool
		err := conn.QueryRowContext(asking, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
			AND pid = pg_backend_pid() AND (classid::bigint << 32 | objid::bigint) = `+lockKey+`)`, l.id).Scan(&held)
		cancel()
		if ctx.Err() == nil && (err != nil || !held) {
			close(l.lost)
			return
		}
	}
}

// inheritAll gives back every job that is running, and the leadership, which is right only at the start of the
// one process that the database has.
func (e *Engine) inheritAll(ctx context.Context) error {
	db := e.Store.SQL()
	_, err := db.ExecContext(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running'")
	if err == nil {
		_, err = db.ExecContext(ctx, "DELETE FROM river_leader")
	}
	if err != nil {
		return fmt.Errorf("taking over the jobs of the last run: %w", err)
	}
	return nil
}

// inherit looks for owners of jobs that are dead, until ctx ends.
func (e *Engine) inherit(ctx context.Context, l *life) {
	if e.Store.Dialect() == "sqlite" {
		return
	}
	tick := time.NewTicker(lifeEvery)
	defer tick.Stop()
	free := map[string]time.Time{}
	for {
		if err := e.inheritOnce(ctx, l, free); err != nil && ctx.Err() == nil {
			e.Log.Warn("looking for jobs of servers that are gone", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// inheritOnce looks at the owners once; free is since when whose lock was seen free.
func (e *Engine) inheritOnce(ctx context.Context, l *life, free map[string]time.Time) error {
	owners, err := e.owners(ctx)
	if err != nil {
		return err
	}
	for id := range free {
		if !owners[id] {
			delete(free, id)
		}
	}
	var errs []error
	for id := range owners {
		if id != l.id {
			errs = append(errs, e.inheritFrom(ctx, id, free))
		}
	}
	return errors.Join(errs...)
}

// owners are those that have a running job, or lead.
func (e *Engine) owners(ctx context.Context) (map[string]bool, error) {
	rows, err := e.Store.SQL().QueryContext(ctx, `SELECT DISTINCT attempted_by[array_upper(attempted_by, 1)] FROM river_job
		WHERE state = 'running' AND attempted_by IS NOT NULL UNION SELECT leader_id FROM river_leader`)
	if err != nil {
		return nil, fmt.Errorf("asking who works on jobs: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	owners := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("reading who works on jobs: %w", err)
		}
		if strings.HasPrefix(id, lifePrefix) {
			owners[id] = true
		}
	}
	return owners, rows.Err()
}

// inheritFrom gives back the jobs of an owner whose lock has been free for long enough. Several servers may do
// it at once, which is why they share the lock; the second finds no job any more.
func (e *Engine) inheritFrom(ctx context.Context, id string, free map[string]time.Time) (err error) {
	tx, err := e.Store.SQL().BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("looking whether %s lives: %w", id, err)
	}
	defer func() {
		if rerr := tx.Rollback(); !errors.Is(rerr, sql.ErrTxDone) {
			err = errors.Join(err, rerr)
		}
	}()
	var dead bool
	if err := tx.QueryRowContext(ctx, "SELECT pg_try_advisory_xact_lock_shared("+lockKey+")", id).Scan(&dead); err != nil {
		return fmt.Errorf("looking whether %s lives: %w", id, err)
	}
	if !dead {
		delete(free, id)
		return nil
	}
	if since, seen := free[id]; !seen {
		free[id] = time.Now()
		return nil
	} else if time.Since(since) < graceOfDead {
		return nil
	}
	jobs, err := tx.ExecContext(ctx, `UPDATE river_job SET state = 'available'
		WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1`, id)
	if err == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM river_leader WHERE leader_id = $1", id)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("taking over the jobs of %s: %w", id, err)
	}
	if n, err := jobs.RowsAffected(); err != nil || n > 0 {
		e.Log.Warn("a server is gone without a word: its jobs are given to others", "server", id, "jobs", n)
	}
	return nil
}
