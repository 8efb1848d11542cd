package provision

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

// Run works on jobs until ctx ends, then lets the ones in progress finish for a moment. When it loses the
// database it stops its jobs and begins again once the database is back.
func (e *Engine) Run(ctx context.Context) error {
	l, err := e.begin(ctx)
	for {
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err != nil {
			return nil // it was stopped before it began
		}
		if err := e.work(ctx, l); err != nil || ctx.Err() != nil {
			return err
		}
		l, err = e.beginAgain(ctx)
	}
}

// beginAgain is begin for a process that has worked before: it tries until it can.
func (e *Engine) beginAgain(ctx context.Context) (*life, error) {
	for {
		l, err := e.begin(ctx)
		if err == nil {
			return l, nil
		}
		if ctx.Err() == nil {
			e.Log.Warn("no machine is moved on: the database is away", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lifeEvery):
		}
	}
}

// work works on jobs for one life.
func (e *Engine) work(ctx context.Context, l *life) error {
	defer l.end()
	e.start()
	client, err := e.worker(l.id)
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("starting the workers: %w", err)
	}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		e.inherit(watching, l)
	}()
	defer func() { stop(); <-watched }()
	select {
	case <-ctx.Done():
		return e.finish(client)
	case <-l.lost:
	}
	e.Log.Warn("the database does not hold this server's lock any more: its jobs are stopped, and begun again by whoever has the database")
	return fence(client)
}

// finish stops a client whose jobs may end.
func (e *Engine) finish(client *river.Client[*sql.Tx]) error {
	soft, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := client.Stop(soft); err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stopping the workers: %w", err)
	}
	return nil
}

// fence stops the jobs of a client at once: in graceOfDead others take them for abandoned. It returns when
// the last one has ended, so that no machine is worked on twice in one process.
func fence(client *river.Client[*sql.Tx]) error {
	ctx, cancel := context.WithTimeout(context.Background(), jobTimeout)
	defer cancel()
	if err := client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("stopping the jobs of a server that lost the database: %w", err)
	}
	return nil
}
