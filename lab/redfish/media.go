package redfish

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
)

// MediaDrive is what a VM implements whose CD drive is real. Without it the controller only remembers what it was told.
type MediaDrive interface {
	// InsertMedia puts the image of a URL into the drive. It fails when the image cannot be had.
	InsertMedia(ctx context.Context, image string) error
	// EjectMedia empties the drive; an empty one stays so.
	EjectMedia(ctx context.Context) error
}

// media is what lies in the drives, by their ids.
type media map[string]medium

type medium struct {
	image    string
	readOnly bool
}

// mediaTypes are the drives: their ids, and what fits.
var mediaTypes = map[string][]string{"CD": {"CD", "DVD"}, "USB": {"USBStick"}}

// Medium returns the image in a drive, "CD" or "USB"; empty when there is none.
func (b *BMC) Medium(drive string) string {
	var image string
	b.locked(func() { image = b.media[drive].image })
	return image
}

func mediaRoutes() map[string]route {
	const at = root + "/Managers/{manager}/VirtualMedia"
	return map[string]route{
		at: {get: func(b *BMC, _ *call) (object, error) {
			p := b.manager() + "/VirtualMedia"
			return collection(p, "VirtualMediaCollection", "Virtual media", below(p, "CD", "USB")...), nil
		}},
		at + "/{}": {get: getMedium},
		at + "/{}/Actions/VirtualMedia.InsertMedia": {post: insertMedia},
		at + "/{}/Actions/VirtualMedia.EjectMedia":  {post: ejectMedia},
	}
}

func getMedium(b *BMC, c *call) (object, error) {
	id := c.ids[0]
	if mediaTypes[id] == nil {
		return nil, notFound(c.URL.Path)
	}
	p, m := b.manager()+"/VirtualMedia/"+id, b.media[id]
	o := resource(p, "VirtualMedia.v1_5_0", id, "Virtual "+id).with(object{
		"MediaTypes": mediaTypes[id], "Inserted": m.image != "", "Image": nil, "ImageName": nil, "WriteProtected": true, "ConnectedVia": "NotConnected",
		"TransferMethod": nil, "TransferProtocolType": nil, "Status": healthy(),
	})
	actions := object{"#VirtualMedia.EjectMedia": object{"target": p + "/Actions/VirtualMedia.EjectMedia"}}
	if !b.shape.Quirks.NoInsertMedia {
		actions["#VirtualMedia.InsertMedia"] = object{"target": p + "/Actions/VirtualMedia.InsertMedia"}
	}
	o["Actions"] = actions
	if m.image != "" {
		u, err := url.Parse(m.image)
		if err != nil {
			return nil, err
		}
		o["Image"], o["ImageName"], o["WriteProtected"], o["ConnectedVia"] = m.image, path.Base(u.Path), m.readOnly, "URI"
		o["TransferMethod"], o["TransferProtocolType"] = "Stream", map[string]string{"http": "HTTP", "https": "HTTPS", "nfs": "NFS", "cifs": "CIFS", "smb": "CIFS"}[u.Scheme]
	}
	return o, nil
}

func insertMedia(b *BMC, c *call) (*reply, error) {
	id := c.ids[0]
	if mediaTypes[id] == nil || b.shape.Quirks.NoInsertMedia {
		return nil, notFound(c.URL.Path)
	}
	var body struct {
		Image, UserName, Password, TransferProtocolType, TransferMethod, MediaType string
		MediaTypes                                                                 any
		Inserted, WriteProtected                                                   *bool
	}
	if err := c.parameters(&body); err != nil {
		return nil, err
	}
	const action = "VirtualMedia.InsertMedia"
	if body.Image == "" {
		return nil, missingParameter(action, "Image")
	}
	u, err := url.Parse(body.Image)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "nfs", "cifs", "smb"}, u.Scheme) {
		return nil, problemf(http.StatusBadRequest, "ActionParameterValueFormatError",
			"The value %q for the parameter Image in the action %s is of a different format than the parameter can accept.", body.Image, action).about("#/Image")
	}
	if body.TransferMethod != "" && body.TransferMethod != "Stream" {
		return nil, parameterNotInList("TransferMethod", body.TransferMethod, action)
	}
	if b.media[id].image != "" {
		return nil, problemf(http.StatusConflict, "ResourceInUse", "The drive %s holds a medium already; eject it first.", id)
	}
	if drive, ok := b.vm.(MediaDrive); ok && id == "CD" {
		if err := drive.InsertMedia(c.Context(), body.Image); err != nil {
			return nil, problemf(http.StatusBadRequest, "ResourceAtUriInUnknownFormat", "The resource at %s cannot be used: %v.", body.Image, err).about("#/Image")
		}
	}
	if b.media == nil {
		b.media = media{}
	}
	b.media[id] = medium{image: body.Image, readOnly: body.WriteProtected == nil || *body.WriteProtected}
	return done()
}

func ejectMedia(b *BMC, c *call) (*reply, error) {
	id := c.ids[0]
	if mediaTypes[id] == nil {
		return nil, notFound(c.URL.Path)
	}
	if b.media[id].image == "" {
		return done() // nothing to do
	}
	if drive, ok := b.vm.(MediaDrive); ok && id == "CD" {
		if err := drive.EjectMedia(c.Context()); err != nil {
			return nil, err
		}
	}
	delete(b.media, id)
	return done()
}
