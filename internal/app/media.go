package app

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"socle/bmc"
	"socle/images/iso"
	"socle/inventory"
	"socle/provision"
)

// mediumLife is how long a boot medium is handed out: longer than its token is good.
const mediumLife = 5 * time.Hour

// media makes boot media for the engine, where the boot HTTP of this process hands them out.
type media struct{ *iso.Shelf }

func (k *kit) newMedia() *media {
	base := k.config.Boot.MediaURL
	if base == "" {
		base = k.bootURL()
	}
	boot := func(name string) string { return filepath.Join(k.config.DataDir, "boot", name) }
	build := iso.Options{Kernel: boot("ramdisk/vmlinuz"), Initrd: boot("ramdisk/initrd"), Shim: boot("shimx64.efi"), GRUB: boot("gcdx64.efi"), Log: k.log}
	return &media{&iso.Shelf{Dir: filepath.Join(k.config.DataDir, "media"), Base: base, Life: mediumLife, Now: time.Now,
		Make: func(ctx context.Context, out, title string, params []string) error {
			o := build
			o.Out, o.Title, o.Params = out, title, params
			_, err := iso.Build(ctx, o)
			return err
		}}}
}

// Make implements provision.Media.
func (s *media) Make(ctx context.Context, m inventory.Machine, params []string) (string, error) {
	url, err := s.Put(ctx, m.ID, "Socle: "+m.Name, params)
	if err != nil {
		return "", &provision.Failure{Kind: inventory.FaultImageMissing, Reason: "its boot medium could not be made", Err: err,
			Remedy: "build what is missing on the server that works on it (socle image build ramdisk boot-files), then order the inspection again"}
	}
	return url, nil
}

// Remove implements provision.Media.
func (s *media) Remove(m inventory.Machine) error { return s.Shelf.Remove(m.ID) }

// withMedia puts the boot media before the rest of the boot HTTP.
func (k *kit) withMedia(rest http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(iso.ShelfPath, k.media)
	mux.Handle("/", rest)
	return mux
}

// Insert implements provision.Drives.
func (b *bmcs) Insert(ctx context.Context, m inventory.Machine, image string) error {
	_, err := step(ctx, b, m, func(ctx context.Context, t bmc.Target) (bmc.Slot, error) { return b.driver.InsertMedia(ctx, t, image) })
	return err
}

// Eject implements provision.Drives.
func (b *bmcs) Eject(ctx context.Context, m inventory.Machine, ours func(image string) bool) error {
	_, err := step(ctx, b, m, func(ctx context.Context, t bmc.Target) ([]bmc.Slot, error) { return b.driver.EjectMedia(ctx, t, ours) })
	return err
}
