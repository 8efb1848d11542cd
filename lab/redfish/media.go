package redfish

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
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
	all := map[string]route{}
	for _, owner := range []string{root + "/Managers/{manager}", root + "/Systems/{system}"} {
		at := owner + "/VirtualMedia"
		all[at] = route{get: func(b *BMC, c *call) (object, error) {
			p := b.drives()
			if strings.Trim(c.URL.Path, "/") != strings.Trim(p, "/") {
				return nil, notFound(c.URL.Path)
			}
			return collection(p, "VirtualMediaCollection", "Virtual media", below(p, "CD", "USB")...), nil
		}}
		all[at+"/{}"] = route{get: getMedium, patch: patchMedium}
		all[at+"/{}/Actions/VirtualMedia.InsertMedia"] = route{post: insertMedia}
		all[at+"/{}/Actions/VirtualMedia.EjectMedia"] = route{post: ejectMedia}
	}
	return all
}

// drives is where the drives are.
func (b *BMC) drives() string {
	if b.shape.Quirks.MediaAtSystem {
		return b.system() + "/VirtualMedia"
	}
	return b.manager() + "/VirtualMedia"
}

// slot is the drive that a path names.
func (b *BMC) slot(c *call) (id string, err error) {
	id = c.ids[0]
	if mediaTypes[id] == nil || !strings.HasPrefix(c.URL.Path, b.drives()+"/") {
		return "", notFound(c.URL.Path)
	}
	return id, nil
}

func getMedium(b *BMC, c *call) (object, error) {
	id, err := b.slot(c)
	if err != nil {
		return nil, err
	}
	p, m := b.drives()+"/"+id, b.media[id]
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
	id, err := b.slot(c)
	if err == nil && b.shape.Quirks.NoInsertMedia {
		err = notFound(c.URL.Path)
	}
	if err != nil {
		return nil, err
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
	if body.TransferMethod != "" && body.TransferMethod != "Stream" {
		return nil, parameterNotInList("TransferMethod", body.TransferMethod, action)
	}
	if b.shape.Quirks.MediaImageOnly {
		for name, said := range map[string]bool{"Inserted": body.Inserted != nil, "WriteProtected": body.WriteProtected != nil} {
			if said {
				return nil, problemf(http.StatusBadRequest, "ActionParameterUnknown", "The action %s was submitted with the invalid parameter %s.", action, name).about("#/" + name)
			}
		}
	}
	if err := b.fill(c, id, body.Image, body.WriteProtected == nil || *body.WriteProtected); err != nil {
		return nil, err
	}
	return done()
}

// fill puts an image into an empty drive.
func (b *BMC) fill(c *call, id, image string, readOnly bool) error {
	u, err := url.Parse(image)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "nfs", "cifs", "smb"}, u.Scheme) {
		return problemf(http.StatusBadRequest, "ActionParameterValueFormatError",
			"The value %q for the parameter Image is of a different format than the parameter can accept.", image).about("#/Image")
	}
	if b.media[id].image != "" {
		return problemf(http.StatusConflict, "ResourceInUse", "The drive %s holds a medium already; eject it first.", id)
	}
	if drive, ok := b.vm.(MediaDrive); ok && id == "CD" {
		if err := drive.InsertMedia(c.Context(), image); err != nil {
			return problemf(http.StatusBadRequest, "ResourceAtUriInUnknownFormat", "The resource at %s cannot be used: %v.", image, err).about("#/Image")
		}
	}
	if b.media == nil {
		b.media = media{}
	}
	b.media[id] = medium{image: image, readOnly: readOnly}
	return nil
}

// patchMedium is how drives without the action to insert are filled, and may be emptied (schema VirtualMedia: Image and
// Inserted can be written).
func patchMedium(b *BMC, c *call) error {
	id, err := b.slot(c)
	if err != nil {
		return err
	}
	var body map[string]any
	if err := c.decode(&body); err != nil {
		return err
	}
	for name := range body {
		switch {
		case name == "Image":
		case (name == "Inserted" || name == "WriteProtected") && !b.shape.Quirks.MediaImageOnly:
		default:
			return problemf(http.StatusBadRequest, "PropertyNotWritable", "The property %s is a read only property and cannot be assigned a value.", name).about("#/" + name)
		}
	}
	image, named := body["Image"]
	text, isText := image.(string)
	switch {
	case named && isText && text != "":
		readOnly, said := body["WriteProtected"].(bool)
		return b.fill(c, id, text, readOnly || !said)
	case named && (image == nil || text == ""), body["Inserted"] == false:
		return b.empty(c, id)
	}
	return noOperation()
}

func ejectMedia(b *BMC, c *call) (*reply, error) {
	id, err := b.slot(c)
	if err == nil {
		err = b.empty(c, id)
	}
	if err != nil {
		return nil, err
	}
	return done()
}

// empty takes out what is in a drive.
func (b *BMC) empty(c *call, id string) error {
	if b.media[id].image == "" {
		return nil
	}
	if drive, ok := b.vm.(MediaDrive); ok && id == "CD" {
		if err := drive.EjectMedia(c.Context()); err != nil {
			return err
		}
	}
	delete(b.media, id)
	return nil
}
