package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"socle/api"
	"socle/hardware"
	"socle/inventory"
)

func (e *Engine) deploySteps() []step {
	return []step{
		{"plan", e.planDeploy},
		{"boot-ramdisk", e.before(e.bootRamdisk)},
		{"write-image", e.withAgent(e.writeImage)},
		{"eject-medium", e.before(e.ejectMedium)},
		{"prepare-disks", e.withAgent(e.prepareDisks)},
		{"seed", e.withAgent(e.seed)},
		{"boot-entry", e.withAgent(e.bootEntry)},
		{"restart", e.restart},
		{"phone-home", e.awaitPhoneHome},
		{"verify", e.awaitVerify},
	}
}

// before skips a step once the machine is on its way to its own disk.
func (e *Engine) before(run func(context.Context, *inventory.Machine) (result, error)) func(context.Context, *inventory.Machine) (result, error) {
	return func(ctx context.Context, m *inventory.Machine) (result, error) {
		if m.Boot == inventory.BootDisk {
			return done, nil
		}
		return run(ctx, m)
	}
}

// withAgent gives a step the machine's agent, and waits while there is none.
func (e *Engine) withAgent(run func(context.Context, *inventory.Machine, inventory.Session) (result, error)) func(context.Context, *inventory.Machine) (result, error) {
	return e.before(func(ctx context.Context, m *inventory.Machine) (result, error) {
		s, err := e.agent(ctx, m)
		if errors.Is(err, inventory.ErrNotFound) {
			return wait, nil
		}
		if err != nil {
			return result{}, err
		}
		return run(ctx, m, s)
	})
}

// planDeploy decides what goes where, and refuses what cannot end well before anything is destroyed.
func (e *Engine) planDeploy(ctx context.Context, m *inventory.Machine) (result, error) {
	if m.Deployed.Image != "" {
		return done, nil
	}
	if m.Facts == nil {
		return result{}, &Failure{Kind: inventory.FaultNoRole, Reason: "its hardware is not known", Remedy: "inspect it first"}
	}
	if m.Intent.Serial != m.Serial() || m.Serial() == "" {
		return result{}, &Failure{Kind: inventory.FaultIdentity,
			Reason: fmt.Sprintf("the deployment was confirmed for serial %q, the machine's is %q", m.Intent.Serial, m.Serial()),
			Remedy: "look which server is meant, and deploy with its serial number"}
	}
	role, _, err := e.roleOf(m)
	if err != nil {
		return result{}, err
	}
	system, data, err := role.Disks(*m.Facts)
	if err != nil {
		return result{}, noDisk(err)
	}
	digest, ix, err := e.Images.Resolve(role.Image)
	if err != nil {
		return result{}, &Failure{Kind: inventory.FaultImageMissing, Reason: fmt.Sprintf("image %q of role %s", role.Image, role.Name),
			Remedy: orderFaults[api.CodeNoImage].remedy, Err: err}
	}
	if uint64(ix.Size) > system.SizeBytes {
		return result{}, &Failure{Kind: inventory.FaultImageTooBig,
			Reason: fmt.Sprintf("image %s has %s, disk %s has %s", ix.Name, hardware.Size(uint64(ix.Size)), system.Serial, hardware.Size(system.SizeBytes)),
			Remedy: orderFaults[api.CodeTooSmall].remedy}
	}
	return done, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Role = role.Name
		m.Deployed = inventory.Deployment{Image: digest, Disk: system.Serial, DataDisks: data}
		return inventory.Note{Kind: "plan", Reason: fmt.Sprintf("role %s: image %s to disk %s, %d data disks", role.Name, ix.Name, system.Serial, len(data))}, nil
	})
}

func (e *Engine) writeImage(ctx context.Context, m *inventory.Machine, s inventory.Session) (result, error) {
	o, r, err := e.order(ctx, m, s, work{kind: api.OrderWriteImage, disk: m.Deployed.Disk, params: func() (any, error) {
		return api.WriteImage{DiskSerial: m.Deployed.Disk, Image: m.Deployed.Image}, nil
	}})
	if err != nil || !r.done || !m.Deployed.Written.IsZero() {
		return r, err
	}
	return done, e.change(ctx, m, func(m *inventory.Machine) (inventory.Note, error) {
		m.Deployed.Written = e.Now()
		return inventory.Note{Kind: "deploy", Reason: fmt.Sprintf("image written and read back: %s over the wire for %s of image", hardware.Size(uint64(o.Wire)), hardware.Size(uint64(o.Total)))}, nil
	})
}

func (e *Engine) prepareDisks(ctx context.Context, m *inventory.Machine, s inventory.Session) (result, error) {
	for _, d := range m.Deployed.DataDisks {
		_, r, err := e.order(ctx, m, s, work{kind: api.OrderPrepareDisk, disk: d.Serial, params: func() (any, error) {
			return api.PrepareDisk{DiskSerial: d.Serial, Label: "socle-" + d.Label}, nil
		}})
		if err != nil || !r.done {
			return r, err
		}
	}
	return done, nil
}

func (e *Engine) seed(ctx context.Context, m *inventory.Machine, s inventory.Session) (result, error) {
	_, r, err := e.order(ctx, m, s, work{kind: api.OrderSeed, disk: m.Deployed.Disk, params: func() (any, error) {
		role, _, err := e.roleOf(m)
		if err != nil {
			return nil, err
		}
		if err := e.Store.RevokeTokens(ctx, inventory.TokenPhoneHome, m.ID); err != nil {
			return nil, err
		}
		token, err := e.Store.NewToken(ctx, inventory.TokenSpec{Kind: inventory.TokenPhoneHome, Machine: m.ID, Subject: m.Name, TTL: 24 * time.Hour})
		if err != nil {
			return nil, err
		}
		files, err := e.Seeds.Seed(ctx, *m, role, token)
		if err != nil {
			return nil, fmt.Errorf("rendering the seed of %s: %w", m.Name, err)
		}
		return api.Seed{DiskSerial: m.Deployed.Disk, Files: files}, nil
	}})
	return r, err
}

func (e *Engine) bootEntry(ctx context.Context, m *inventory.Machine, s inventory.Session) (result, error) {
	_, r, err := e.order(ctx, m, s, work{kind: api.OrderBootEntry, disk: m.Deployed.Disk, params: func() (any, error) {
		_, ix, err := e.Images.Resolve(m.Deployed.Image)
		if err != nil {
			return nil, err
		}
		return api.BootEntry{DiskSerial: m.Deployed.Disk, Label: "socle " + m.Role, Loader: ix.Loader}, nil
	}})
	return r, err
}

// restart sends the machine to its own disk: what it shall boot changes first, so that DHCP and the boot
// scripts agree when it asks, then the agent reboots it.
func (e *Engine) restart(ctx context.Context, m *inventory.Machine) (result, error) {
	if !m.Deployed.PhonedHome.IsZero() {
		return done, nil
	}
	if m.Boot != inventory.BootDisk {
		if err := e.recordOp(ctx, m, inventory.BootDisk, inventory.Note{Kind: "boot", Reason: "shall boot its disk"}); err != nil {
			return result{}, err
		}
	}
	s, err := e.agent(ctx, m)
	if errors.Is(err, inventory.ErrNotFound) {
		return done, nil // it went down already
	}
	if err != nil {
		return result{}, err
	}
	_, r, err := e.order(ctx, m, s, work{kind: api.OrderReboot})
	if err == nil && r.done {
		err = e.Store.EndSession(ctx, s.ID)
	}
	return r, err
}

func (e *Engine) awaitPhoneHome(_ context.Context, m *inventory.Machine) (result, error) {
	if m.Deployed.SetupError != "" {
		return result{}, &Failure{Kind: inventory.FaultSetup, Reason: "the deployed system could not set up its role: " + m.Deployed.SetupError,
			Remedy: "see its console (journalctl -u socle-role); correct the role or the image, then deploy again"}
	}
	if !m.Deployed.PhonedHome.IsZero() {
		return done, nil
	}
	since := m.Since
	if m.Op != nil {
		since = m.Op.At
	}
	if e.Now().Sub(e.heardSince(since)) < e.Limits.PhoneHome {
		return wait, nil
	}
	f := &Failure{Kind: inventory.FaultNoPhoneHome,
		Reason: fmt.Sprintf("the deployed system was started and has not called for %s", e.Limits.PhoneHome),
		Remedy: "see the machine's console: whether it boots its disk, gets an address, and reaches " + e.ServerURL}
	if _, ix, err := e.Images.Resolve(m.Deployed.Image); err == nil && ix.Recipe == nil {
		f.Reason += fmt.Sprintf("; its image %s was imported", ix.Name)
		f.Remedy += "; an imported image needs cloud-init, which takes a NoCloud seed and runs its modules ca_certs and phone_home, " +
			"and what configures the network for it, such as netplan.io: put them into the image, import it again (docs/images.md) and deploy again"
	}
	return result{}, f
}

// awaitVerify has the role looked at from outside by a job of its own, and waits for its word.
func (e *Engine) awaitVerify(ctx context.Context, m *inventory.Machine) (result, error) {
	if !m.Deployed.Verified.IsZero() {
		return done, e.move(ctx, m, inventory.Active, "phoned home, role "+m.Role+" verified")
	}
	_, err := e.queue.Insert(ctx, verifyArgs{Machine: m.ID}, &river.InsertOpts{UniqueOpts: unique, Queue: verifyQueue})
	if err != nil {
		return result{}, fmt.Errorf("queueing the verification: %w", err)
	}
	return wait, nil
}
