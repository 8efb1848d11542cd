package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"socle/lab/redfish"
)

var _ redfish.MediaDrive = redfishVM{}

// maxImage bounds an image that a BMC is told to put into the drive, in bytes.
const maxImage = 4 << 30

// imageTimeout bounds its transfer.
const imageTimeout = 5 * time.Minute

// InsertMedia implements redfish.MediaDrive: the image is fetched whole, as the drive must not fail in the middle of a
// boot, and a running server sees a changed medium at once.
func (r redfishVM) InsertMedia(ctx context.Context, image string) error {
	if !r.vm.machine.Server.virtualDrive() {
		return errors.New("this server has no virtual drive")
	}
	file := filepath.Join(r.vm.machine.StateDir, "medium.iso")
	if err := download(ctx, image, file); err != nil {
		return err
	}
	err := r.vm.changeDisc(ctx, file)
	r.vm.journal.add("redfish", "insert "+image, r.vm.on(), r.vm.on(), err)
	return err
}

// EjectMedia implements redfish.MediaDrive. It does not ask the guest whether it still needs the medium.
func (r redfishVM) EjectMedia(ctx context.Context) error {
	err := r.vm.changeDisc(ctx, "")
	r.vm.journal.add("redfish", "eject", r.vm.on(), r.vm.on(), err)
	return err
}

// changeDisc puts a file into the drive, or empties it.
func (v *vm) changeDisc(ctx context.Context, file string) error {
	v.op.Lock()
	defer v.op.Unlock()
	v.mu.Lock()
	v.disc = file
	r := v.run
	v.mu.Unlock()
	if r == nil {
		return nil
	}
	q, err := r.control(ctx)
	if err != nil {
		return err
	}
	if file == "" {
		_, err = q.do(ctx, "eject", map[string]any{"id": mediumID, "force": true})
		return err
	}
	_, err = q.do(ctx, "blockdev-change-medium", map[string]any{
		"id": mediumID, "filename": file, "format": "raw", "force": true, "read-only-mode": "read-only",
	})
	return err
}

// download fetches an image as a BMC does: without asking who the server is.
func download(ctx context.Context, from, to string) error {
	ctx, cancel := context.WithTimeout(ctx, imageTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as real BMCs do
	}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", from, resp.Status)
	}
	if resp.ContentLength > maxImage {
		return fmt.Errorf("%s has %d bytes, more than %d", from, resp.ContentLength, int64(maxImage))
	}
	f, err := os.OpenFile(to+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(resp.Body, maxImage+1))
	if err == nil && n > maxImage {
		err = fmt.Errorf("%s has more than %d bytes", from, int64(maxImage))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(to + ".new")
		return fmt.Errorf("fetching %s: %w", from, err)
	}
	return os.Rename(to+".new", to)
}
