package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"golang.org/x/sync/errgroup"

	"socle/internal/config"
)

// Task is one part of the server. Run blocks until ctx ends or the part cannot go on.
type Task struct {
	Name string
	Run  func(ctx context.Context) error
}

// Run makes the server that the configuration describes and runs it until ctx ends. When one part cannot go
// on, all stop. ready, when not nil, is called once everything listens.
func Run(ctx context.Context, c config.Config, version string, log *slog.Logger, ready func(url string)) error {
	k, err := open(ctx, c, version, log)
	if err != nil {
		return err
	}
	defer k.close()
	tasks, err := k.tasks(ctx)
	if err != nil {
		return err
	}
	log.Info("socle is up", "version", version, "url", k.ownURL(), "data", c.DataDir, "database", k.store.Dialect(), "services", running(c))
	if ready != nil {
		ready(k.ownURL())
	}
	return runAll(ctx, tasks)
}

func runAll(ctx context.Context, tasks []Task) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, t := range tasks {
		group.Go(func() error {
			err := t.Run(ctx)
			if err == nil && ctx.Err() == nil {
				err = errors.New("ended by itself")
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: %w", t.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// tasks are the parts that the configuration switches on.
func (k *kit) tasks(ctx context.Context) ([]Task, error) {
	tasks := []Task{{"evidence", k.recorder.run}}
	if k.boots() {
		tasks = append(tasks, Task{"view of the inventory", k.view.Run}, Task{"boots that were tried", k.tries.run})
	}
	for _, part := range []struct {
		service string
		make    func(context.Context) ([]Task, error)
	}{{"workers", k.workerTasks}, {"api", k.apiTasks}, {"boot", k.bootTasks}, {"tftp", k.tftpTasks}, {"dhcp", k.dhcpTasks}} {
		if !k.config.Runs(part.service) {
			continue
		}
		made, err := part.make(ctx)
		if err != nil {
			return nil, fmt.Errorf("starting %s: %w", part.service, err)
		}
		tasks = append(tasks, made...)
	}
	return tasks, nil
}

// running lists the parts that this process runs, for the log.
func running(c config.Config) []string {
	return slices.DeleteFunc(config.Services(), func(s string) bool { return !c.Runs(s) })
}
