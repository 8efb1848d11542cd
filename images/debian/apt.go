package debian

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// apt is this host's apt, looking at the lists of one architecture.
type apt struct {
	options []string
}

// listsAge is how old the lists of another architecture may be: the host's own are renewed by whoever keeps the host.
const listsAge = 24 * time.Hour

// apt makes ready the lists of the cache's architecture.
func (c Cache) apt(ctx context.Context) (apt, error) {
	var a apt
	if os.Geteuid() == 0 {
		// apt would drop to a user that cannot write here, and warn.
		a.options = []string{"-o", "APT::Sandbox::User=root"}
	}
	if c.Arch == "" {
		return a, nil
	}
	host, err := exec.CommandContext(ctx, "dpkg", "--print-architecture").Output()
	if err != nil {
		return a, fmt.Errorf("asking dpkg for this host's architecture: %w", err)
	}
	if strings.TrimSpace(string(host)) == c.Arch {
		return a, nil
	}
	dir, err := filepath.Abs(filepath.Join(c.Dir, "apt-"+c.Arch))
	if err != nil {
		return a, err
	}
	lists, cache := filepath.Join(dir, "lists"), filepath.Join(dir, "cache")
	for _, d := range []string{filepath.Join(lists, "partial"), filepath.Join(cache, "archives", "partial")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return a, fmt.Errorf("making the folder of apt's lists for %s: %w", c.Arch, err)
		}
	}
	a.options = append(a.options, "-o", "APT::Architecture="+c.Arch, "-o", "APT::Architectures="+c.Arch,
		"-o", "Dir::State::Lists="+lists, "-o", "Dir::Cache="+cache)
	return a, c.renew(ctx, a, filepath.Join(dir, "renewed"))
}

// How often the lists of packages are asked for, and how long is waited in between.
const (
	updateTries = 3
	updatePause = 5 * time.Second
)

// renew fetches the lists unless they are fresh. Old ones are better than none. By itself apt takes a fetch that
// brought nothing for a success.
func (c Cache) renew(ctx context.Context, a apt, stamp string) error {
	st, err := os.Stat(stamp)
	if there, _ := filepath.Glob(filepath.Join(filepath.Dir(stamp), "lists", "*_Packages*")); err == nil && len(there) == 0 {
		err = fmt.Errorf("apt's lists for %s: %w", c.Arch, fs.ErrNotExist)
	}
	if err == nil && time.Since(st.ModTime()) < listsAge {
		return nil
	}
	c.log().Info("fetching the lists of packages", "arch", c.Arch)
	got := a.get(ctx, c.Dir, "update", "--error-on=any")
	for try := 1; got != nil && try < updateTries && ctx.Err() == nil; try++ { // an archive that is being renewed, or a mirror that is busy
		c.log().Warn("fetching the lists of packages failed: trying again", "arch", c.Arch, "err", got)
		select {
		case <-ctx.Done():
		case <-time.After(updatePause):
		}
		got = a.get(ctx, c.Dir, "update", "--error-on=any")
	}
	if got != nil {
		if err == nil && ctx.Err() == nil {
			c.log().Warn("using old lists of packages", "arch", c.Arch, "err", got)
			return nil
		}
		return fmt.Errorf("fetching the lists of %s packages: %w", c.Arch, got)
	}
	return os.WriteFile(stamp, nil, 0o644) //nolint:gosec // says when, and nothing else
}

// lookup asks apt-cache for the candidate version of a package.
func (a apt) lookup(ctx context.Context, name string) (Package, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "apt-cache", append(a.options, "show", "--no-all-versions", "--", name)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return Package{}, fmt.Errorf("%w: apt-cache says %q; run \"apt-get update\" and look at /etc/apt/sources.list",
				ErrUnknown, strings.TrimSpace(string(exit.Stderr)))
		}
		return Package{}, fmt.Errorf("running apt-cache: %w", err)
	}
	return parseShow(string(out))
}

// get runs apt-get in a folder.
func (a apt) get(ctx context.Context, dir string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "apt-get", append(append(a.options, "-q"), args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w: %s; if the archive has moved on since, run \"apt-get update\"", args[0], err, complaints(out))
	}
	return nil
}

// complaints are the first things that apt says went wrong, else its last words.
func complaints(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var all []string
	for _, l := range lines {
		if (strings.HasPrefix(l, "E: ") || strings.HasPrefix(l, "W: ")) && len(all) < 3 {
			all = append(all, strings.TrimSpace(l))
		}
	}
	if len(all) == 0 {
		return strings.TrimSpace(lines[len(lines)-1])
	}
	return strings.Join(all, "; ")
}
