package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gofishredfish "github.com/stmcginnis/gofish/redfish"

	"socle/inventory"
)

// light is where a controller has the locator light, and how it is called there.
type light struct {
	path string
	old  bool // IndicatorLED, which LocationIndicatorActive has replaced in 2020
}

// lightDoc is what a system or chassis says of its light.
type lightDoc struct {
	LocationIndicatorActive *bool
	IndicatorLED            *string
	Etag                    string `json:"@odata.etag"`
}

func (d lightDoc) state(old bool) inventory.Locator {
	on := false
	switch {
	case !old && d.LocationIndicatorActive != nil:
		on = *d.LocationIndicatorActive
	case old && d.IndicatorLED != nil && *d.IndicatorLED != "Unknown":
		on = *d.IndicatorLED != "Off"
	default:
		return inventory.LocatorUnknown
	}
	if on {
		return inventory.LocatorOn
	}
	return inventory.LocatorOff
}

// findLight looks at the system and then at its chassis: makers differ. The new name wins over the old one.
func (r *redfishReader) findLight(ctx context.Context) (light, error) {
	if r.tree.light.path != "" {
		return r.tree.light, nil
	}
	s, err := r.place(ctx)
	if err != nil {
		return light{}, err
	}
	var found light
	for _, at := range append([]link{s.link}, s.Links.Chassis...) {
		if !at.ok() {
			continue
		}
		var d lightDoc
		if err := r.get(at.ID, &d); absent(err) {
			continue
		} else if err != nil {
			return light{}, redfishError(ctx, err)
		}
		if d.LocationIndicatorActive != nil {
			found = light{path: at.ID}
			break
		}
		if d.IndicatorLED != nil && found.path == "" {
			found = light{path: at.ID, old: true}
		}
	}
	if found.path == "" {
		return light{}, fmt.Errorf("%w: it has no locator light", ErrUnsupported)
	}
	r.tree.light = found
	return found, nil
}

func (r *redfishReader) locator(ctx context.Context) (inventory.Locator, error) {
	l, err := r.findLight(ctx)
	if err != nil {
		return inventory.LocatorUnknown, err
	}
	var d lightDoc
	if err := r.get(l.path, &d); err != nil {
		return inventory.LocatorUnknown, redfishError(ctx, err)
	}
	return d.state(l.old), nil
}

// locate writes the property. Redfish knows no time after which the light goes out.
func (r *redfishReader) locate(ctx context.Context, on bool, _ time.Duration) (byItself bool, err error) {
	l, err := r.findLight(ctx)
	if err != nil {
		return false, err
	}
	var now lightDoc
	if err := r.get(l.path, &now); err != nil {
		return false, redfishError(ctx, err)
	}
	write := func(property string, value any) error {
		return r.patch(ctx, l.path, now.Etag, map[string]any{property: value})
	}
	switch {
	case !l.old:
		return false, write("LocationIndicatorActive", on)
	case !on:
		return false, write("IndicatorLED", "Off")
	}
	err = write("IndicatorLED", "Blinking")
	if err != nil && !fatal(err) && ctx.Err() == nil { // some only know this word
		err = write("IndicatorLED", "Lit")
	}
	return false, err
}

func (r *redfishReader) post(ctx context.Context, path string, body map[string]any) error {
	resp, err := r.client.Post(path, body)
	return finish(ctx, resp, err)
}

// restart uses Manager.Reset of the system's first manager. The session is not ended: nobody may be there to hear it.
func (r *redfishReader) restart(ctx context.Context) error {
	s, err := r.place(ctx)
	if err != nil {
		return err
	}
	if len(s.Links.ManagedBy) == 0 || !s.Links.ManagedBy[0].ok() {
		return fmt.Errorf("%w: it names no manager to restart", ErrUnsupported)
	}
	var m struct {
		Actions struct {
			Reset struct {
				Target string   `json:"target"`
				Types  []string `json:"ResetType@Redfish.AllowableValues"`
			} `json:"#Manager.Reset"`
		}
	}
	if err := r.get(s.Links.ManagedBy[0].ID, &m); err != nil {
		return redfishError(ctx, err)
	}
	target := link{m.Actions.Reset.Target}
	if !target.ok() {
		return fmt.Errorf("%w: it cannot be restarted over Redfish", ErrUnsupported)
	}
	word := "GracefulRestart" // the only one that all makers have
	if types := m.Actions.Reset.Types; len(types) > 0 && !slices.Contains(types, word) {
		word = types[0]
		if slices.Contains(types, "ForceRestart") {
			word = "ForceRestart"
		}
	}
	r.deaf = true
	err = r.post(ctx, target.ID, map[string]any{"ResetType": word})
	if errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		return nil // it is gone before it has answered
	}
	return err
}

// nmi resets the system with the type Nmi (schema ComputerSystem).
func (r *redfishReader) nmi(ctx context.Context) error {
	s, err := r.system()
	if err == nil {
		err = s.Reset(gofishredfish.NmiResetType)
	}
	return redfishError(ctx, err)
}

// firmware lists the firmware inventory of the update service; controllers without one name their own and the system's.
func (r *redfishReader) firmware(ctx context.Context) ([]inventory.Component, error) {
	service, err := r.updateService(ctx)
	if err != nil {
		return nil, err
	}
	if !service.FirmwareInventory.ok() {
		return r.ownVersions(ctx)
	}
	members, err := r.collection(service.FirmwareInventory.ID, maxComponents)
	if absent(err) {
		return r.ownVersions(ctx)
	}
	if err != nil {
		return nil, redfishError(ctx, err)
	}
	var all []inventory.Component
	for _, m := range members {
		var s struct {
			ID            string `json:"Id"`
			Name, Version string
			Updateable    bool
		}
		// Dell lists what ran before and what could be gone back to as well.
		if json.Unmarshal(m, &s) != nil || s.Version == "" || strings.HasPrefix(s.ID, "Previous-") || strings.HasPrefix(s.ID, "Available-") {
			continue
		}
		all = append(all, inventory.Component{ID: s.ID, Name: cmp.Or(s.Name, s.ID), Version: s.Version, Updateable: s.Updateable})
	}
	return all, nil
}

// ownVersions are those of the system's firmware and of the controller itself.
func (r *redfishReader) ownVersions(ctx context.Context) ([]inventory.Component, error) {
	s, err := r.system()
	if err != nil {
		return nil, redfishError(ctx, err)
	}
	var all []inventory.Component
	if s.BIOSVersion != "" {
		all = append(all, inventory.Component{ID: "BIOS", Name: "System firmware", Version: s.BIOSVersion})
	}
	info, err := r.probe(ctx)
	if err == nil && info.Firmware != "" {
		all = append(all, inventory.Component{ID: "BMC", Name: "BMC", Version: info.Firmware})
	}
	return all, err
}
