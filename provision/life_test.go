package provision_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"socle/api"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/provision"
)

// The environment of a process that is to be killed: the database, and the file of its keys.
const (
	victimURL  = "SOCLE_TEST_VICTIM_URL"
	victimKeys = "SOCLE_TEST_VICTIM_KEYS"
)

// victim is an engine in a process of its own. It starts the build-out, says when it works on a machine, and
// never ends that work.
func victim(url string) {
	err := func() error {
		keys, err := secret.Open(os.Getenv(victimKeys))
		if err != nil {
			return err
		}
		ctx := context.Background()
		s, err := store.Open(ctx, store.Options{URL: url, Keys: keys})
		if err != nil {
			return err
		}
		r := &rack{servers: map[string]*server{}, probe: func(context.Context) error {
			fmt.Println("working")
			select {}
		}}
		e, err := r.newEngine(ctx, s, nil)
		if err != nil {
			return err
		}
		if _, err := e.BuildOut(ctx, "test", api.BuildOutRequest{}); err != nil {
			return err
		}
		return e.Run(ctx)
	}()
	fmt.Println("the victim has ended:", err)
}

// startVictim returns when the victim works on a machine.
func (r *rack) startVictim() *exec.Cmd {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victimURL+"="+r.url, victimKeys+"="+r.ring)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(r.t, err)
	must(r.t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "working\n" {
		r.t.Fatalf("the victim says %q (%v)", line, err)
	}
	return cmd
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the victim ended with %v, want a kill", err)
	}
}

// soon is how long the jobs of a killed server may wait: far less than River's rescuer takes, which is 5 min.
const soon = 40 * time.Second

// TestNextStartTakesOverFromKilledServer kills a server in the middle of a job.
func TestNextStartTakesOverFromKilledServer(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		r.down()
		kill(t, r.startVictim())
		began := time.Now()
		r.start()
		r.await("hv01", in(inventory.Active))
		if took := time.Since(began); took > soon {
			t.Errorf("it took %s after the start, want less than %s", took, soon)
		} else {
			t.Logf("active %s after the start", took.Round(time.Millisecond))
		}
	})
}

// onPostgres runs a test on a rack whose database several servers share.
func onPostgres(t *testing.T, test func(t *testing.T, r *rack)) {
	t.Helper()
	ring := t.TempDir() + "/keys"
	keys, err := secret.Open(ring)
	must(t, err)
	r := &rack{t: t, url: pgtest.URL(t), keys: keys, ring: ring, servers: map[string]*server{}}
	r.limits = provision.Limits{Boot: 30 * time.Second, AgentGone: 30 * time.Second, PhoneHome: 30 * time.Second}
	r.start()
	t.Cleanup(r.down)
	test(t, r)
}

// TestSurvivorTakesOverFromKilledServer has a second server at work when the first is killed.
func TestSurvivorTakesOverFromKilledServer(t *testing.T) {
	t.Parallel()
	onPostgres(t, func(t *testing.T, r *rack) {
		r.add("hv01", 1)
		r.down()
		doomed := r.startVictim()
		r.start()
		for range 100 { // it is alive: nothing is taken from it, though nobody hears of it
			if m, err := r.store.Machine(t.Context(), "hv01"); err != nil || m.State != inventory.Expected {
				t.Fatalf("hv01 is %s (%v) while the other server works on it", m.State, err)
			}
			pause(t, 100*time.Millisecond)
		}
		kill(t, doomed)
		began := time.Now()
		r.await("hv01", in(inventory.Active))
		if took := time.Since(began); took > soon {
			t.Errorf("it took %s after the kill, want less than %s", took, soon)
		} else {
			t.Logf("active %s after the kill", took.Round(time.Millisecond))
		}
	})
}

func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// TestServerThatLosesItsLockStopsItsJobs takes the lock from a server that is at work, as a failing network or a
// failover of the database does. It has to stop before anybody else begins, and to go on afterwards.
func TestServerThatLosesItsLockStopsItsJobs(t *testing.T) {
	t.Parallel()
	onPostgres(t, func(t *testing.T, r *rack) {
		var working atomic.Int32
		began, ended := make(chan struct{}, 10), make(chan time.Time, 10)
		r.down()
		r.probe = func(ctx context.Context) error {
			if working.Add(1) > 1 {
				t.Error("two jobs work on one machine")
			}
			defer working.Add(-1)
			began <- struct{}{}
			if len(began) > 1 {
				return nil // the second time it succeeds
			}
			<-ctx.Done()
			ended <- time.Now()
			return ctx.Err()
		}
		r.start()
		r.add("hv01", 1)
		r.buildOut()
		for len(began) == 0 {
			pause(t, 10*time.Millisecond)
		}
		db, err := sql.Open("pgx", r.url)
		must(t, err)
		defer db.Close()
		var n int
		cut := time.Now()
		must(t, db.QueryRowContext(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted`).Scan(&n))
		if n != 1 {
			t.Fatalf("%d locks were held, want the server's one", n)
		}
		if took := (<-ended).Sub(cut); took > 5*time.Second {
			t.Errorf("the job was stopped after %s, when others could have begun", took)
		}
		r.await("hv01", in(inventory.Active))
	})
}
