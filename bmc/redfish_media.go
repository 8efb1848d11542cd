package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// maxSlots bounds the drives that are looked at.
const maxSlots = 16

// slotDoc is what is read of the schema VirtualMedia (DMTF DSP0268).
type slotDoc struct {
	link
	Etag           string `json:"@odata.etag"`
	Name           string `json:"Id"`
	MediaTypes     []string
	Image          *string
	ImageName      *string
	Inserted       *bool
	ConnectedVia   string
	WriteProtected *bool
	Actions        struct {
		Insert struct {
			Target    string   `json:"target"`
			Transfers []string `json:"TransferProtocolType@Redfish.AllowableValues"`
		} `json:"#VirtualMedia.InsertMedia"`
		Eject struct {
			Target string `json:"target"`
		} `json:"#VirtualMedia.EjectMedia"`
	}
}

// slot is the drive. One that does not say whether something is in it holds what it names.
func (d slotDoc) slot() Slot {
	s := Slot{
		ID: cmp.Or(d.Name, path.Base(d.ID)), Types: d.MediaTypes, ReadOnly: d.WriteProtected != nil && *d.WriteProtected,
		path: d.ID, etag: d.Etag, insertAt: own(d.Actions.Insert.Target), ejectAt: own(d.Actions.Eject.Target), transfers: d.Actions.Insert.Transfers,
	}
	for _, text := range []*string{d.Image, d.ImageName} {
		if s.Image == "" && text != nil {
			s.Image = *text
		}
	}
	if d.Inserted != nil {
		s.Inserted = *d.Inserted
	} else {
		s.Inserted = s.Image != "" || d.ConnectedVia != "" && d.ConnectedVia != "NotConnected"
	}
	if !s.Inserted {
		s.Image = "" // some keep what was in it last
	}
	return s
}

// own is a path on the same controller, or nothing.
func own(at string) string {
	if (link{at}).ok() {
		return at
	}
	return ""
}

// slots reads the drives of the managers, and those of the system, where makers have moved them since 2021
// (ComputerSystem 1.13): whichever has drives for CDs.
func (r *redfishReader) slots(ctx context.Context) ([]Slot, error) {
	s, err := r.place(ctx)
	if err != nil {
		return nil, err
	}
	var all []Slot
	for _, owner := range append(slices.Clone(s.Links.ManagedBy), s.link) {
		if !owner.ok() {
			continue
		}
		found, err := r.slotsOf(owner.ID)
		if err != nil {
			return nil, redfishError(ctx, err)
		}
		all = append(all, found...)
		if slices.ContainsFunc(found, Slot.optical) {
			break // the other place has the same ones
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: it has no virtual media; on some a licence is needed", ErrUnsupported)
	}
	return all, nil
}

func (r *redfishReader) slotsOf(owner string) ([]Slot, error) {
	var o struct{ VirtualMedia link }
	if err := r.get(owner, &o); absent(err) || err == nil && !o.VirtualMedia.ok() {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	members, err := r.collection(o.VirtualMedia.ID, maxSlots)
	if absent(err) {
		return nil, nil
	}
	var all []Slot
	for _, m := range members {
		var d slotDoc
		if json.Unmarshal(m, &d) == nil && d.ok() {
			all = append(all, d.slot())
		}
	}
	return all, err
}

// insert uses the action, first with all that the schema has and then with the image alone, which is all that some take;
// controllers without the action are told by a change of the resource.
func (r *redfishReader) insert(ctx context.Context, s Slot, image string) error {
	if s.insertAt == "" {
		return r.setImage(ctx, s, map[string]any{"Image": image, "Inserted": true, "WriteProtected": true}, map[string]any{"Image": image})
	}
	full := map[string]any{"Image": image, "Inserted": true, "WriteProtected": true}
	least := map[string]any{"Image": image}
	if kind := transferType(image); slices.Contains(s.transfers, kind) {
		full["TransferProtocolType"], least["TransferProtocolType"] = kind, kind
	}
	err := r.post(ctx, s.insertAt, full)
	if errors.Is(err, errRefused) {
		err = r.post(ctx, s.insertAt, least)
	}
	return err
}

// transferType is the protocol of a URL as the schema calls it.
func transferType(image string) string {
	u, err := url.Parse(image)
	if err != nil {
		return ""
	}
	return strings.ToUpper(u.Scheme)
}

func (r *redfishReader) eject(ctx context.Context, s Slot) error {
	if s.ejectAt == "" {
		return r.setImage(ctx, s, map[string]any{"Image": nil, "Inserted": false}, map[string]any{"Image": nil})
	}
	return r.post(ctx, s.ejectAt, map[string]any{})
}

// setImage changes the resource, first in full and then with the least.
func (r *redfishReader) setImage(ctx context.Context, s Slot, bodies ...map[string]any) (err error) {
	for _, body := range bodies {
		if err = r.patch(ctx, s.path, s.etag, body); !errors.Is(err, errRefused) {
			break
		}
	}
	return err
}
