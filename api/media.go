package api

import (
	"context"
	"net/http"
)

// MediaSlot is one drive of a BMC's virtual media.
type MediaSlot struct {
	ID       string   `json:"id"`
	Types    []string `json:"types,omitempty" doc:"what fits, as Redfish calls it: CD, DVD, USBStick, Floppy"`
	Inserted bool     `json:"inserted"`
	Image    string   `json:"image,omitempty" doc:"what is in it, as far as the BMC tells"`
	ReadOnly bool     `json:"read_only,omitempty"`
}

// MediaList is the answer of GET …/bmc/media, and of every change of what is in the drives: as they were read then.
type MediaList struct {
	Slots []MediaSlot `json:"slots"`
}

// MediaRequest puts the image of a URL into a drive for CDs. The BMC fetches it, now and while it is used.
type MediaRequest struct {
	URL string `json:"url" minLength:"8" maxLength:"255" doc:"http or https, without user and password"`
}

// BootOverride is what a machine boots from before its usual order, as its BMC shows it.
type BootOverride struct {
	Device     string `json:"device" doc:"none, network, http (the network by UEFI HTTP boot), disk, cd, setup; or another that the BMC names"`
	Persistent bool   `json:"persistent,omitempty" doc:"for every boot, not only for the next one"`
	UEFI       bool   `json:"uefi,omitempty"`
}

// BootRequest chooses what a machine boots from.
type BootRequest struct {
	Device     string `json:"device" enum:"none,network,http,disk,cd,setup" doc:"none takes a choice back"`
	Persistent bool   `json:"persistent,omitempty" doc:"for every boot, not only for the next one"`
}

// Media lists the drives of virtual media with what is in them.
func (c *Client) Media(ctx context.Context, ref string) ([]MediaSlot, error) {
	var out MediaList
	err := c.request(ctx, http.MethodGet, bmcPath(ref, "/media"), nil, nil, &out)
	return out.Slots, err
}

// InsertMedia puts the image of a URL into a drive, and returns the drives as they are then.
func (c *Client) InsertMedia(ctx context.Context, ref, url string) ([]MediaSlot, error) {
	var out MediaList
	err := c.request(ctx, http.MethodPost, bmcPath(ref, "/media"), nil, MediaRequest{URL: url}, &out)
	return out.Slots, err
}

// EjectMedia empties the drives for CDs, and returns them as they are then.
func (c *Client) EjectMedia(ctx context.Context, ref string) ([]MediaSlot, error) {
	var out MediaList
	err := c.request(ctx, http.MethodDelete, bmcPath(ref, "/media"), nil, nil, &out)
	return out.Slots, err
}

// BootOverride asks a machine's BMC what it boots from before its usual order.
func (c *Client) BootOverride(ctx context.Context, ref string) (BootOverride, error) {
	var out BootOverride
	return out, c.request(ctx, http.MethodGet, PathMachines+"/"+segment(ref)+"/boot", nil, nil, &out)
}

// SetBootOverride chooses what a machine boots from, and returns what its BMC shows then.
func (c *Client) SetBootOverride(ctx context.Context, ref string, r BootRequest) (BootOverride, error) {
	var out BootOverride
	return out, c.request(ctx, http.MethodPut, PathMachines+"/"+segment(ref)+"/boot", nil, r, &out)
}
