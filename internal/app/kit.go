package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"socle/bmc"
	"socle/dhcp"
	"socle/hardware"
	"socle/images"
	"socle/images/bootfile"
	"socle/internal/config"
	"socle/internal/depot"
	"socle/internal/pki"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/inventory/view"
	"socle/provision"
	"socle/verify"
)

// kit is everything that the parts share.
type kit struct {
	config   config.Config
	version  string
	log      *slog.Logger
	keys     *secret.Keyring
	store    *store.Store
	ca       *pki.CA
	images   *images.Store
	files    *bootfile.Dir
	firmware *depot.Dir
	roles    []inventory.Role
	view     *view.View
	outliers *outliers // one each, so that who asks and who watches share what was compared
	cables   *cables
	tries    *tries
	engine   *provision.Engine
	bmcs     *bmcs
	media    *media
	recorder *recorder
	lock     *os.File                        // of the data folder, with the embedded database
	holder   func(netip.Addr) (string, bool) // of IPv4 addresses
	dhcp     atomic.Pointer[dhcp.Server]
	ears     *ears                           // nil: BMCs are not listened to
	holder6  func(netip.Addr) (string, bool) // of IPv6 addresses
}

// open opens what is kept in the data folder, making what is not there yet.
func open(ctx context.Context, c config.Config, version string, log *slog.Logger) (_ *kit, err error) {
	k := &kit{config: c, version: version, log: log, roles: c.Roles}
	if len(k.roles) == 0 {
		k.roles = builtinRoles()
	}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	in := func(name string) string { return filepath.Join(c.DataDir, name) }
	if k.keys, err = secret.Open(in("keyring")); err != nil {
		return nil, err
	}
	url := c.Database.URL
	if url == "" {
		url = in("socle.db")
		if k.lock, err = lockFolder(c.DataDir); err != nil {
			return nil, err
		}
	}
	if k.store, err = store.Open(ctx, store.Options{URL: url, Keys: k.keys, Log: log}); err != nil {
		return nil, err
	}
	k.outliers, k.cables = newOutliers(k.store, k.config.Outliers, time.Now), &cables{store: k.store}
	if k.ca, err = pki.Open(in("ca")); err != nil {
		return nil, err
	}
	if err := os.WriteFile(in("ca.crt"), k.ca.CertPEM(), 0o644); err != nil {
		return nil, fmt.Errorf("writing the CA certificate for clients: %w", err)
	}
	if k.images, err = images.Open(in("images")); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(in("boot"), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of boot files: %w", err)
	}
	if k.files, err = bootfile.OpenDir(in("boot")); err != nil {
		return nil, err
	}
	if k.firmware, err = depot.Open(in("firmware")); err != nil {
		return nil, err
	}
	if err := ensureAdminToken(ctx, k.store, in("admin-token")); err != nil {
		return nil, err
	}
	if k.tries, err = newTries(ctx, k.store, log); err != nil {
		return nil, err
	}
	k.recorder = newRecorder(k.store, k.tries, log)
	if err := k.makeEngine(ctx); err != nil {
		return nil, err
	}
	if c.Health.Events != config.EventsOff && c.Health.Every > 0 {
		k.ears, err = k.newEars(ctx)
	}
	return k, err
}

func (k *kit) makeEngine(ctx context.Context) error {
	hash, err := k.hashSuffix()
	if err != nil {
		return err
	}
	swift, err := swiftAccount(k.config.Swift)
	if err != nil {
		return err
	}
	key, err := k.store.Key(ctx, "boot-tokens")
	if err != nil {
		return err
	}
	var seen provision.View // nil where nobody boots from this process
	if k.boots() {
		if k.view, err = view.New(ctx, k.store, k.log, nil); err != nil {
			return err
		}
		seen = k.view
	}
	roots, err := k.bmcRoots()
	if err != nil {
		return err
	}
	hooks, err := k.hookRoots()
	if err != nil {
		return err
	}
	k.bmcs = &bmcs{driver: bmc.New(bmc.Options{Log: k.log, Roots: roots, WebhookRoots: hooks}), logins: k.store}
	k.media = k.newMedia()
	k.engine, err = provision.New(ctx, provision.Options{
		Store: k.store, View: seen, BootKey: key, Images: k.images, Roles: k.roles, Log: k.log,
		BMC: k.bmcs, Accounts: k.bmcs, Firmware: k.bmcs, Drives: k.bmcs, Disks: k.bmcs, Media: k.media,
		Updates:       &updates{bmcs: k.bmcs, files: k.firmware, url: k.firmwareURL()},
		Seeds:         &seeds{ca: k.ca, images: k.images, url: k.agentURL(), hashSuffix: hash},
		Verifier:      &verifier{verify.New(verify.Options{CA: k.ca, Swift: swift, Log: k.log, Patience: k.config.Limits.Verify / 3})},
		ServerURL:     k.agentURL(),
		CAFingerprint: k.ca.Fingerprint(),
		PowerDrift:    inventory.PowerPolicy(k.config.Power.Drift),
		BurnIn:        k.config.BurnIn,
		BootTries:     k.config.Boot.Tries,
		Limits:        provision.Limits(k.config.Limits),
		Room:          room(k.config.DataDir),
		Recorder:      k.recorder,
	})
	return err
}

// boots tells whether machines boot from this process.
func (k *kit) boots() bool {
	return k.config.Runs("boot") || k.config.Runs("dhcp") || k.config.Runs("tftp")
}

// close gives back what open took.
func (k *kit) close() {
	var errs []error
	if k.files != nil {
		errs = append(errs, k.files.Close())
	}
	if k.store != nil {
		errs = append(errs, k.store.Close())
	}
	if k.lock != nil {
		errs = append(errs, k.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		k.log.Warn("closing", "err", err)
	}
}

// ownURL is where people on this host reach the dashboard.
func (k *kit) ownURL() string {
	host, port, err := net.SplitHostPort(k.config.Listen)
	if err != nil {
		return ""
	}
	if a, err := netip.ParseAddr(host); err != nil && host == "" || err == nil && a.IsUnspecified() {
		host = "localhost"
	}
	return "https://" + net.JoinHostPort(host, port)
}

// agentURL is where servers reach the API.
func (k *kit) agentURL() string { return k.agentURLAt(k.config.Server()) }

// agentURLAt is where a server reaches the API that came to one of our addresses.
func (k *kit) agentURLAt(own netip.Addr) string {
	if k.config.Agent.URL != "" {
		return k.config.Agent.URL
	}
	_, port, err := net.SplitHostPort(k.config.Listen)
	if err != nil || !own.IsValid() {
		return k.ownURL()
	}
	return "https://" + net.JoinHostPort(own.String(), port)
}

// bootURL is where servers reach the boot HTTP.
func (k *kit) bootURL() string { return k.bootURLAt(k.config.Server()) }

// firmwareURL is where BMCs fetch firmware; empty: nowhere.
func (k *kit) firmwareURL() string {
	if k.config.Firmware.URL != "" {
		return strings.TrimRight(k.config.Firmware.URL, "/")
	}
	if !k.boots() {
		return ""
	}
	return k.bootURL()
}

// bootURLAt is where a server reaches the boot HTTP that came to one of our addresses.
func (k *kit) bootURLAt(own netip.Addr) string { return urlAt("http", k.config.Boot.Listen, own) }

func urlAt(scheme, listen string, own netip.Addr) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	if own.IsValid() {
		host = own.String()
	} else if host == "" {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// stopTimeout is how long requests in progress may take once the server stops.
const stopTimeout = 5 * time.Second

// leastRoom is how much the data folder's file system must have left for work to go on; what is under way
// still has to be written down.
const leastRoom = 64 << 20

// room watches the file system of the data folder.
func room(dir string) func() error {
	return func() error {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil {
			return fmt.Errorf("looking how much room %s has: %w", dir, err)
		}
		if left := fs.Bavail * uint64(fs.Bsize); left < leastRoom { //nolint:gosec // a block size is positive
			return fmt.Errorf("%s has %s left, %s are needed", dir, hardware.Size(left), hardware.Size(leastRoom))
		}
		return nil
	}
}

// lockFolder makes sure that one server works on an embedded database: it takes over the jobs that the last
// one left, which is right only when that one is gone (docs/adr/0004).
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits
		return nil, errors.Join(fmt.Errorf("another socle serve works in %s: stop it, or use PostgreSQL (database.url) for several", dir), f.Close())
	}
	return f, nil
}
