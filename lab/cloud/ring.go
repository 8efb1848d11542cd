package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"socle/seed"
)

// Disk is one data disk of a storage node.
type Disk struct {
	Address   netip.Addr `json:"address"` // of the node
	Label     string     `json:"label"`   // mount point below /srv/node
	SizeBytes uint64     `json:"size_bytes"`
}

const (
	partPower   = 8 // 256 partitions: enough for a lab
	maxReplicas = 3
)

var labelForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,11}$`)

// rings are Swift's three, with the port of the server that each leads to.
var rings = []struct {
	name string
	port int
}{{"account", seed.AccountPort}, {"container", seed.ContainerPort}, {"object", seed.ObjectPort}}

// SyncRing makes the rings hold exactly these disks, and has the proxy use them. Disks that stay keep their
// data's places as far as the balance allows. It does nothing when the rings hold them already.
func (c *Controller) SyncRing(ctx context.Context, disks []Disk) error {
	disks = slices.Clone(disks)
	slices.SortFunc(disks, func(a, b Disk) int {
		if d := a.Address.Compare(b.Address); d != 0 {
			return d
		}
		return slices.Compare([]byte(a.Label), []byte(b.Label))
	})
	if err := checkDisks(disks); err != nil {
		return fmt.Errorf("making the rings: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	had, err := c.disks()
	if err != nil {
		return fmt.Errorf("making the rings: %w", err)
	}
	if slices.Equal(had, disks) {
		if c.proxy != nil && c.proxy.alive() {
			return nil
		}
		return c.restart(ctx)
	}
	for _, r := range rings {
		if err := c.build(ctx, r.name, r.port, had, disks); err != nil {
			return fmt.Errorf("making the %s ring: %w", r.name, err)
		}
	}
	// Last: after a failure in between, the next call does everything again.
	data, err := json.MarshalIndent(disks, "", "  ")
	if err != nil {
		return fmt.Errorf("making the rings: %w", err)
	}
	if err := os.WriteFile(c.diskFile(), data, 0o600); err != nil {
		return fmt.Errorf("making the rings: %w", err)
	}
	c.o.Log.Info("the rings hold the disks", "disks", len(disks), "replicas", replicas(disks))
	return c.restart(ctx)
}

func checkDisks(disks []Disk) error {
	if len(disks) == 0 {
		return errors.New("there are no disks")
	}
	for i, d := range disks {
		switch {
		case !d.Address.IsValid():
			return fmt.Errorf("disk %s has no address", d.Label)
		case !labelForm.MatchString(d.Label):
			return fmt.Errorf("%.40q is no label of a data disk", d.Label)
		case i > 0 && disks[i-1].Address == d.Address && disks[i-1].Label == d.Label:
			return fmt.Errorf("disk %s of %s is there twice", d.Label, d.Address)
		}
	}
	return nil
}

// replicas is how many copies are kept of an object: never two on one disk.
func replicas(disks []Disk) int { return min(len(disks), maxReplicas) }

func (c *Controller) diskFile() string { return filepath.Join(c.o.StateDir, "disks.json") }

// disks are those of the rings; none when there are no rings.
func (c *Controller) disks() (had []Disk, err error) {
	data, err := os.ReadFile(c.diskFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &had); err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.diskFile(), err)
	}
	return had, nil
}

// build brings one ring's builder file from the disks that it had to those that it shall have.
func (c *Controller) build(ctx context.Context, name string, port int, had, want []Disk) error {
	builder := "/etc/swift/" + name + ".builder"
	tool := func(tolerated int, args ...string) error {
		_, err := c.run(ctx, tolerated, append([]string{"swift-ring-builder", builder}, args...)...)
		return err
	}
	n := strconv.Itoa(replicas(want))
	if len(had) == 0 {
		// Whatever an interrupted first attempt left is not worth keeping.
		if err := os.RemoveAll(filepath.Join(c.o.StateDir, name+".builder")); err != nil {
			return err
		}
		if err := tool(0, "create", strconv.Itoa(partPower), n, "0"); err != nil {
			return err
		}
	} else if err := tool(0, "set_replicas", n); err != nil {
		return err
	}
	where := func(d Disk) string {
		return "r1z1-" + netip.AddrPortFrom(d.Address, uint16(port)).String() + "/" + d.Label //nolint:gosec // a port
	}
	for _, d := range want {
		if slices.Contains(had, d) {
			continue
		}
		// Status 2 of an add says that an interrupted call added it already.
		if err := tool(2, "add", where(d), strconv.FormatFloat(float64(d.SizeBytes)/1e9+1, 'f', 2, 64)); err != nil {
			return err
		}
	}
	for _, d := range had {
		if slices.Contains(want, d) {
			continue
		}
		if err := tool(2, "remove", where(d)); err != nil {
			return err
		}
	}
	// Status 1 is a warning: nothing had to move, or the balance cannot be perfect.
	return tool(1, "rebalance", "--seed", "1")
}
