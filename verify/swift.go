package verify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"socle/seed"
)

// objectBytes is the size of the test object: more than a packet, little enough for any network.
const objectBytes = 256 << 10

// swift stores an object through the cluster's proxy, reboots the node and reads the object back.
func (v *Verifier) swift(ctx context.Context, t Target) (evidence []string, err error) {
	switch {
	case v.o.Swift.URL == "":
		return nil, errors.New("no Swift proxy is configured: set its URL, user and key")
	case t.Reboot == nil:
		return nil, errors.New("the node cannot be rebooted: its BMC is not known")
	}
	c := &swiftClient{v: v, http: v.httpClient()}
	defer c.http.CloseIdleConnections()

	t.Progress("waiting for Swift's servers")
	disks, err := c.nodeUp(ctx, t)
	if err != nil {
		return nil, err
	}
	evidence = append(evidence, fmt.Sprintf("Swift's account, container and object servers answer; data disks mounted: %s", strings.Join(disks, ", ")))
	if v.o.Join != nil {
		t.Progress("joining the disks to the cluster's rings")
		if err := v.o.Join(ctx, t); err != nil {
			return evidence, fmt.Errorf("putting the disks into the rings: %w", err)
		}
	}
	t.Progress("storing an object through the proxy")
	o, err := c.store(ctx, t)
	if err != nil {
		return evidence, err
	}
	where, err := c.endpoints(ctx, t, o)
	if err != nil {
		return evidence, err
	}
	evidence = append(evidence, fmt.Sprintf("object %s (%d bytes, SHA-256 %.16x…) was stored through the proxy%s", o.path(), len(o.data), sha256.Sum256(o.data), where))

	t.Progress("rebooting the node by its BMC")
	down, err := c.reboot(ctx, t)
	if err != nil {
		return evidence, err
	}
	t.Progress("reading the object back")
	if err := c.readBack(ctx, o); err != nil {
		return evidence, err
	}
	evidence = append(evidence, fmt.Sprintf("after a power cycle (%.0f s until the servers answered again) the same object was read back, byte for byte", down.Seconds()))
	if err := c.remove(ctx, o); err != nil {
		v.o.Log.Warn("test object stays", "machine", t.Name, "object", o.path(), "error", err)
	}
	return evidence, nil
}

// object is what is stored.
type object struct {
	container, name string
	data            []byte
}

func (o object) path() string { return o.container + "/" + o.name }

// store makes a container and an object in it, until the ring holds the disks and all went well.
func (c *swiftClient) store(ctx context.Context, t Target) (object, error) {
	o := object{container: "socle-verify-" + t.Name, name: nonce(), data: make([]byte, objectBytes)}
	_, _ = rand.Read(o.data) // never fails, see its documentation
	wait, cancel := context.WithTimeout(ctx, c.v.o.Patience)
	defer cancel()
	err := until(wait, 3*time.Second, func(ctx context.Context) error {
		if err := c.login(ctx); err != nil {
			return err
		}
		if err := c.placed(ctx, t, o); err != nil {
			return err
		}
		if _, err := c.call(ctx, http.MethodPut, "/"+o.container, nil, http.StatusCreated, http.StatusAccepted); err != nil {
			return fmt.Errorf("making the container: %w", err)
		}
		if _, err := c.call(ctx, http.MethodPut, "/"+o.path(), o.data, http.StatusCreated); err != nil {
			return fmt.Errorf("storing the object: %w", err)
		}
		return nil
	})
	if err != nil {
		return o, fmt.Errorf("the proxy at %s does not store an object: %w: do its rings hold this node's disks, and does it have the same swift_hash_path_suffix?", c.v.o.Swift.URL, err)
	}
	return o, nil
}

// reboot cycles the node, sees it go and waits until it is back.
func (c *swiftClient) reboot(ctx context.Context, t Target) (time.Duration, error) {
	wait, cancel := context.WithTimeout(ctx, c.v.o.Patience)
	defer cancel()
	began := time.Now()
	watch, stop := context.WithCancel(wait)
	defer stop()
	gone := make(chan bool, 1)
	// The watch runs beside the power cycle, because a driver may return only when the power is on again.
	go func() { gone <- c.watchGo(watch, t) }()
	if err := t.Reboot(wait); err != nil {
		stop()
		<-gone
		return 0, fmt.Errorf("rebooting the node by its BMC: %w", err)
	}
	if !<-gone {
		return 0, fmt.Errorf("the node never stopped answering within %v after its power cycle: is this BMC really the node's?", c.v.o.Patience)
	}
	err := until(wait, 2*time.Second, func(ctx context.Context) error { return c.probe(ctx, t) })
	if err != nil {
		return 0, fmt.Errorf("the node is not back within %v after its power cycle: %w: look at its console", c.v.o.Patience, err)
	}
	if _, err := c.nodeUp(ctx, t); err != nil {
		return 0, fmt.Errorf("after the power cycle: %w", err)
	}
	return time.Since(began), nil
}

// watchGo waits until the node fails to answer twice in a row; false when it never did.
func (c *swiftClient) watchGo(ctx context.Context, t Target) bool {
	for failed := 0; failed < 2; {
		if c.probe(ctx, t) == nil {
			failed = 0
		} else {
			failed++
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(500 * time.Millisecond):
		}
	}
	return true
}

func (c *swiftClient) readBack(ctx context.Context, o object) error {
	wait, cancel := context.WithTimeout(ctx, c.v.o.Patience)
	defer cancel()
	return until(wait, 3*time.Second, func(ctx context.Context) error {
		if err := c.login(ctx); err != nil {
			return err
		}
		got, err := c.call(ctx, http.MethodGet, "/"+o.path(), nil, http.StatusOK)
		if err != nil {
			return fmt.Errorf("reading the object back: %w", err)
		}
		if !bytes.Equal(got, o.data) {
			return fmt.Errorf("the object %s came back changed: %d bytes, SHA-256 %x: do not trust this node's disks", o.path(), len(got), sha256.Sum256(got))
		}
		return nil
	})
}

func (c *swiftClient) remove(ctx context.Context, o object) error {
	_, err := c.call(ctx, http.MethodDelete, "/"+o.path(), nil, http.StatusNoContent, http.StatusNotFound)
	return err
}

// nodeUp waits until all three servers answer and every data disk is mounted.
func (c *swiftClient) nodeUp(ctx context.Context, t Target) (disks []string, err error) {
	wait, cancel := context.WithTimeout(ctx, c.v.o.Patience)
	defer cancel()
	err = until(wait, 3*time.Second, func(ctx context.Context) error {
		for name, port := range map[string]int{"account": seed.AccountPort, "container": seed.ContainerPort, "object": seed.ObjectPort} {
			if _, err := c.get(ctx, nodeURL(t, port, "/healthcheck")); err != nil {
				return fmt.Errorf("the %s server on port %d: %w", name, port, err)
			}
		}
		disks, err = c.mounted(ctx, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the storage servers are not up: %w: look at \"journalctl -u socle-role -u 'swift-*'\" on the server", err)
	}
	return disks, nil
}

// mounted compares what the node says of its disks with what it was given.
func (c *swiftClient) mounted(ctx context.Context, t Target) ([]string, error) {
	var usage []struct {
		Device  string `json:"device"`
		Mounted any    `json:"mounted"` // true, or a text when it is not
	}
	if err := c.getJSON(ctx, nodeURL(t, seed.ObjectPort, "/recon/diskusage"), &usage); err != nil {
		return nil, fmt.Errorf("asking for the disks: %w", err)
	}
	var have []string
	for _, u := range usage {
		if u.Mounted == true {
			have = append(have, u.Device)
		}
	}
	slices.Sort(have)
	for _, d := range t.DataDisks {
		if !slices.Contains(have, d.Label) {
			return nil, fmt.Errorf("data disk %s (serial %s) is not mounted; mounted are %q", d.Label, d.Serial, have)
		}
	}
	return have, nil
}
