package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"socle/internal/secret"
)

// Slot is one drive of a controller's virtual media.
type Slot struct {
	ID       string   // the controller's own
	Types    []string // what fits: "CD", "DVD", "USBStick", "Floppy" (DMTF schema VirtualMedia, MediaType)
	Inserted bool
	Image    string // URL or name of what is in it, as the controller tells it; empty where it does not
	ReadOnly bool

	path      string // of the resource
	etag      string
	insertAt  string // of the action; empty: it has none
	ejectAt   string
	transfers []string // protocols that InsertMedia may be told, when it says which
}

// optical tells whether an image of a CD fits.
func (s Slot) optical() bool {
	return slices.ContainsFunc(s.Types, func(t string) bool { return t == "CD" || t == "DVD" })
}

// drives is a session that can fill drives of virtual media.
type drives interface {
	slots(ctx context.Context) ([]Slot, error)
	insert(ctx context.Context, s Slot, image string) error
	eject(ctx context.Context, s Slot) error
}

// maxImageURL bounds a URL that a controller is given, in bytes: several makers cut or refuse longer ones.
const maxImageURL = 255

// CheckImageURL refuses what no controller shall be told to fetch: other schemes than http and https, addresses with a
// user or a password in them, which controllers show to everybody who may read, and URLs of more than 255 bytes.
func CheckImageURL(image string) error {
	u, err := url.Parse(image)
	switch {
	case len(image) > maxImageURL:
		return fmt.Errorf("the URL has %d bytes, and BMCs take %d at most", len(image), maxImageURL)
	case err != nil:
		return errors.New("this is no URL") // the library's error repeats it, with whatever is in it
	case u.User != nil:
		return errors.New("the URL holds a user or password, which the BMC would show to its users: serve the image without")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "":
		return errors.New("give the URL of an image as http://HOST/PATH or https://HOST/PATH")
	case strings.ContainsFunc(image, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New("the URL has characters that must be written as %XX")
	}
	return nil
}

// Media lists the drives of virtual media with what is in them.
func (d *Driver) Media(ctx context.Context, t Target) ([]Slot, error) {
	return call(ctx, d, t, op{doing: "listing the virtual media of", limit: d.opts.ReadTimeout}, func(ctx context.Context) ([]Slot, error) {
		return read(ctx, d.plain, t, func(r reader) ([]Slot, error) { return r.slots(ctx) })
	})
}

// InsertMedia puts the image of a URL into a drive for CDs and reads back that it is there. A drive that holds this very
// image already is left as it is; one that holds another is not emptied: that is EjectMedia's. The URL is treated as a
// secret in errors and logs.
func (d *Driver) InsertMedia(ctx context.Context, t Target, image string) (Slot, error) {
	o := op{doing: "inserting a medium into", limit: d.opts.WriteTimeout, hide: secret.New(image)}
	if err := CheckImageURL(image); err != nil {
		return Slot{}, explained(fmt.Errorf("%w: %w", ErrUnsupported, err), t, o)
	}
	return call(ctx, d, t, o, func(ctx context.Context) (Slot, error) { return d.plain.insertMedia(ctx, t, image) })
}

func (d *direct) insertMedia(ctx context.Context, t Target, image string) (Slot, error) {
	into, err := read(ctx, d, t, func(r reader) (Slot, error) {
		all, err := r.slots(ctx)
		if err != nil {
			return Slot{}, err
		}
		into, there, err := chooseSlot(all, image)
		if err != nil || there {
			return into, err
		}
		d.opts.Log.Info("inserting medium", "machine", t.Machine, "bmc", t.Address, "drive", into.ID)
		return into, r.insert(ctx, into, image)
	})
	if err != nil {
		return into, err
	}
	return d.slotUntil(ctx, t, into, func(s Slot) error {
		switch {
		case !s.Inserted:
			return fmt.Errorf("drive %s is empty", s.ID)
		case s.Image != "" && !sameImage(s.Image, image):
			return fmt.Errorf("drive %s holds another image", s.ID)
		}
		return nil
	})
}

// chooseSlot takes the drive that holds the image, or the first empty one that it fits.
func chooseSlot(all []Slot, image string) (s Slot, there bool, err error) {
	all = slices.DeleteFunc(slices.Clone(all), func(s Slot) bool { return !s.optical() })
	if len(all) == 0 {
		return s, false, fmt.Errorf("%w: it has no virtual drive for CDs", ErrUnsupported)
	}
	if i := slices.IndexFunc(all, func(s Slot) bool { return s.Inserted && sameImage(s.Image, image) }); i >= 0 {
		return all[i], true, nil
	}
	if i := slices.IndexFunc(all, func(s Slot) bool { return !s.Inserted }); i >= 0 {
		return all[i], false, nil
	}
	return s, false, fmt.Errorf("%w: its drive %s holds another medium; eject that first", ErrUnsupported, all[0].ID)
}

// sameImage compares what a controller tells of an image with its URL: some tell the host and the path without the scheme,
// or the path alone.
func sameImage(told, image string) bool {
	_, rest, _ := strings.Cut(image, "://")
	_, path, _ := strings.Cut(rest, "/")
	return told == image || told == rest || strings.TrimPrefix(told, "/") == path
}

// EjectMedia empties the drives for CDs and reads back that nothing is in them: all of them, or only those whose image is
// one of ours, when ours is not nil. It returns the drives as they are then. An empty drive is no error.
func (d *Driver) EjectMedia(ctx context.Context, t Target, ours func(image string) bool) ([]Slot, error) {
	return call(ctx, d, t, op{doing: "ejecting the medium of", limit: d.opts.WriteTimeout}, func(ctx context.Context) ([]Slot, error) {
		return d.plain.ejectMedia(ctx, t, ours)
	})
}

func (d *direct) ejectMedia(ctx context.Context, t Target, ours func(image string) bool) ([]Slot, error) {
	out, err := read(ctx, d, t, func(r reader) (out []Slot, err error) {
		all, err := r.slots(ctx)
		for _, s := range all {
			if !s.Inserted || !s.optical() || ours != nil && !ours(s.Image) {
				continue
			}
			d.opts.Log.Info("ejecting medium", "machine", t.Machine, "bmc", t.Address, "drive", s.ID)
			if err := r.eject(ctx, s); err != nil {
				return out, err
			}
			out = append(out, s)
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	for _, s := range out {
		if _, err := d.slotUntil(ctx, t, s, func(s Slot) error {
			if s.Inserted {
				return fmt.Errorf("drive %s still holds a medium", s.ID)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return read(ctx, d, t, func(r reader) ([]Slot, error) { return r.slots(ctx) })
}

// slotUntil reads a drive until it is as it shall be.
func (d *direct) slotUntil(ctx context.Context, t Target, s Slot, check func(Slot) error) (Slot, error) {
	get := func(r reader, ctx context.Context) (Slot, error) {
		all, err := r.slots(ctx)
		if err != nil {
			return Slot{}, err
		}
		i := slices.IndexFunc(all, func(now Slot) bool { return now.path == s.path })
		if i < 0 {
			return Slot{}, fmt.Errorf("drive %s is gone", s.ID)
		}
		return all[i], nil
	}
	return until(ctx, d, t, d.opts.Settle, get, check)
}

// slots implements drives: IPMI has no virtual media of its own.
func (*ipmiReader) slots(context.Context) ([]Slot, error) { return nil, errNoMedia }

func (*ipmiReader) insert(context.Context, Slot, string) error { return errNoMedia }

func (*ipmiReader) eject(context.Context, Slot) error { return errNoMedia }

var errNoMedia = fmt.Errorf("%w: IPMI knows no virtual media; where the BMC speaks Redfish as well, name that in the manifest", ErrUnsupported)
