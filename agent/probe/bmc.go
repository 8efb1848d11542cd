package probe

import (
	"context"
	"errors"
	"path/filepath"

	"socle/agent/ipmi"
	"socle/hardware"
)

// BMC opens the way to the management controller from inside; ipmi.ErrNone when there is none.
func (r Root) BMC() (*ipmi.Device, error) { return ipmi.Open(filepath.Join(r.Dev, "ipmi0")) }

// bmc asks the management controller who and where it is. None is no error.
func (r Root) bmc(ctx context.Context) (*hardware.BMC, error) {
	d, err := r.BMC()
	if errors.Is(err, ipmi.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return ipmi.Look(ctx, d)
}
