package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"socle/agent/disk"
	"socle/agent/probe"
	"socle/api"
	"socle/hardware"
)

// executor carries out one kind of order.
type executor func(ctx context.Context, a *Agent, o api.Order, p *progress) (result any, err error)

var executors = map[string]executor{
	api.OrderInspect:     inspect,
	api.OrderWriteImage:  writeImage,
	api.OrderPrepareDisk: prepareDisk,
	api.OrderSeed:        seed,
	api.OrderBootEntry:   bootEntry,
	api.OrderBMCAccount:  bmcAccount,
	api.OrderBurnIn:      burnIn,
	api.OrderReboot:      leave,
	api.OrderPowerOff:    leave,
}

// executor is what carries out a kind of order; nil: nothing does.
func (a *Agent) executor(kind string) executor {
	if a.Hands == nil || kind == api.OrderInspect || kind == api.OrderReboot || kind == api.OrderPowerOff {
		return executors[kind]
	}
	hand := a.Hands[kind]
	if hand == nil {
		return nil
	}
	return func(ctx context.Context, _ *Agent, o api.Order, p *progress) (any, error) { return hand(ctx, o, p.set) }
}

// describe is an order in plain words, for the console.
func describe(o api.Order) string {
	var p struct {
		Disk  string `json:"disk_serial"`
		Image string `json:"image"`
		Label string `json:"label"`
	}
	_ = json.Unmarshal(o.Params, &p) // the executor reports what is wrong with it
	text := probe.Clean(o.Kind)
	if p.Disk != "" {
		text += ", disk " + probe.Clean(p.Disk)
	}
	if p.Label != "" {
		text += ", label " + probe.Clean(p.Label)
	}
	if p.Image != "" {
		text += ", image " + probe.Clean(p.Image)
	}
	return text
}

// params decodes an order's parameters; members that are not known are refused, as they may restrict it.
func params(o api.Order, into any) error {
	dec := json.NewDecoder(bytes.NewReader(o.Params))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return &disk.Failure{Code: api.CodeBadParams, Err: fmt.Errorf("reading the parameters of %s: %w", o.Kind, err)}
	}
	return nil
}

// on opens the disk with a serial number for fn.
func (a *Agent) on(serial string, fn func(*disk.Device, hardware.Disk) error) error {
	d, err := disk.Find(a.Root.Disks(), serial)
	if err != nil {
		return err
	}
	if d.ReadOnly {
		return &disk.Failure{Code: api.CodeReadOnly, Err: fmt.Errorf("opening disk %s (%s): it is read-only", d.Serial, d.Name)}
	}
	dev, err := disk.Open(a.Root.DevicePath(d))
	if err != nil {
		return err
	}
	err = fn(dev, d)
	if cerr := dev.Close(); err == nil && cerr != nil {
		err = &disk.Failure{Code: api.CodeDiskError, Err: fmt.Errorf("closing disk %s: %w", d.Serial, cerr)}
	}
	return err
}

func inspect(ctx context.Context, a *Agent, o api.Order, _ *progress) (any, error) {
	return nil, a.post(ctx, o.ID)
}

func writeImage(ctx context.Context, a *Agent, o api.Order, p *progress) (any, error) {
	var w api.WriteImage
	if err := params(o, &w); err != nil {
		return nil, err
	}
	var result api.WriteResult
	err := a.on(w.DiskSerial, func(d *disk.Device, _ hardware.Disk) (err error) {
		result, err = disk.WriteImage(ctx, d, a.Client, w.Image, p.set)
		return err
	})
	return result, err
}

func prepareDisk(ctx context.Context, a *Agent, o api.Order, _ *progress) (any, error) {
	var w api.PrepareDisk
	if err := params(o, &w); err != nil {
		return nil, err
	}
	return nil, a.on(w.DiskSerial, func(d *disk.Device, _ hardware.Disk) error { return disk.Prepare(ctx, d, w.Label) })
}

func seed(ctx context.Context, a *Agent, o api.Order, _ *progress) (any, error) {
	var w api.Seed
	if err := params(o, &w); err != nil {
		return nil, err
	}
	return nil, a.on(w.DiskSerial, func(d *disk.Device, _ hardware.Disk) error { return disk.Seed(ctx, d, w.Files) })
}

func bootEntry(_ context.Context, a *Agent, o api.Order, _ *progress) (any, error) {
	var w api.BootEntry
	if err := params(o, &w); err != nil {
		return nil, err
	}
	var entry string
	err := a.on(w.DiskSerial, func(d *disk.Device, _ hardware.Disk) (err error) {
		entry, err = a.EFI.BootEntry(d, w.Label, w.Loader)
		return err
	})
	if entry == "" {
		return nil, err
	}
	return map[string]string{"entry": entry}, err
}

// leave has nothing to do but to be reported done; the caller takes the machine down.
func leave(context.Context, *Agent, api.Order, *progress) (any, error) { return nil, nil }
