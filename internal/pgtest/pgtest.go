// Package pgtest runs a real PostgreSQL for tests: one cluster for each test process, a database of its own
// for each test. Where PostgreSQL is not installed the test fails and says what to install: a skipped test
// proves nothing.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// install is what to say when there is no PostgreSQL.
const install = "PostgreSQL is needed for this test: apt-get install -y --no-install-recommends postgresql-15"

var (
	once    sync.Once
	shared  *cluster
	failure error
	count   atomic.Int64
)

// URL returns the address of a fresh, empty database, which lives as long as the test. Call Main from
// TestMain in the same package, or the cluster outlives the tests.
func URL(t testing.TB) string {
	t.Helper()
	once.Do(func() { shared, failure = start() })
	if failure != nil {
		t.Fatal(failure)
	}
	name := fmt.Sprintf("test_%d", count.Add(1))
	if err := shared.exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("creating a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := shared.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return shared.url(name)
}

// Main runs the tests of a package, stops the cluster, if one was started, and ends the process.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for a process that has more to do. It returns the exit code.
func Run(m *testing.M) int {
	code := m.Run()
	if shared != nil {
		if err := shared.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the test's PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	return code
}

type cluster struct {
	dir    string
	server *exec.Cmd
	done   chan error
}

// start makes and starts a cluster that listens on a socket in its own folder only.
func start() (_ *cluster, err error) {
	bin, err := binaries("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest") // short: a socket's path may have 107 bytes
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, done: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("starting PostgreSQL for tests: %w", err), os.RemoveAll(dir))
		}
	}()
	cred, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "socle", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: cred}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	logFile, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = logFile.Close() }() // the server has its own copy
	c.server = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "max_connections=200", "-c", "shared_buffers=32MB")
	c.server.Dir, c.server.Stdout, c.server.Stderr = dir, logFile, logFile
	// It dies with the test process, even if that is killed.
	c.server.SysProcAttr = &syscall.SysProcAttr{Credential: cred, Pdeathsig: syscall.SIGINT}
	if err := c.run(); err != nil {
		return nil, err
	}
	return c, c.ready(ctx)
}

// run starts the server from a thread that lives as long as the server: Pdeathsig follows the thread, and a
// thread ends early when a test locks it and changes its namespace.
func (c *cluster) run() error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: nobody else gets it
		err := c.server.Start()
		started <- err
		if err == nil {
			c.done <- c.server.Wait()
		}
	}()
	return <-started
}

// ready waits until the server answers.
func (c *cluster) ready(ctx context.Context) error {
	for {
		err := c.exec("SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case died := <-c.done:
			out, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("the server ended: %w\n%s", errors.Join(died, err), out)
		case <-ctx.Done():
			return errors.Join(err, c.stop())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends the server and removes its files.
func (c *cluster) stop() error {
	err := c.server.Process.Signal(syscall.SIGINT) // "fast shutdown"
	if err == nil {
		select {
		case err = <-c.done:
		case <-time.After(20 * time.Second):
			err = errors.Join(errors.New("it did not stop in 20 s"), c.server.Process.Kill())
		}
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

func (c *cluster) url(database string) string {
	return "postgres:///" + database + "?host=" + c.dir + "&user=socle&sslmode=disable"
}

func (c *cluster) exec(statement string) error {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

// binaries finds the newest PostgreSQL where distributions put it, else the one on the path.
func binaries(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		if path, err := exec.LookPath("initdb"); err == nil {
			return filepath.Dir(path), nil
		}
		return "", errors.New(install)
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// version is the 15 of /usr/lib/postgresql/15/bin/initdb.
func version(path string) int {
	v, _, _ := strings.Cut(filepath.Base(filepath.Dir(filepath.Dir(path))), ".")
	n, _ := strconv.Atoi(v) // 0 for a folder that is no version
	return n
}

// unprivileged is the user to run as when the test runs as root, which PostgreSQL refuses; it is given dir.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("finding a user for PostgreSQL, which does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}
