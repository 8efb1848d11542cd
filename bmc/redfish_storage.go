package bmc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"socle/inventory"
)

// Bounds of what a controller may tell of its server's drives.
const (
	maxStorage = 16
	maxDrives  = 256
)

// storageDoc is what is read of the schema Storage.
type storageDoc struct {
	ID                 string `json:"Id"`
	Name               string
	Drives             []link
	Volumes            link
	StorageControllers []struct {
		Model              string
		SupportedRAIDTypes []string
	}
}

// driveDoc is what is read of the schema Drive.
type driveDoc struct {
	Path          string `json:"@odata.id"`
	ID            string `json:"Id"`
	SerialNumber  string
	Model         string
	MediaType     string
	Protocol      string
	CapacityBytes int64
	Status        statusObject
	Links         struct{ Volumes []link }
	Actions       struct {
		SecureErase struct {
			Target string `json:"target"`
		} `json:"#Drive.SecureErase"`
	}
}

// volumeDoc is what is read of the schema Volume.
type volumeDoc struct {
	Path          string `json:"@odata.id"`
	ID            string `json:"Id"`
	Name          string
	RAIDType      string
	VolumeType    string // where a service before 2020 has the kind
	CapacityBytes int64
	Status        statusObject
	Identifiers   []struct{ DurableName string }
	Links         struct{ Drives []link }
}

// storage implements storer.
func (r *redfishReader) storage(ctx context.Context) (serial string, all []inventory.Storage, err error) {
	s, err := r.place(ctx)
	if err != nil {
		return "", nil, err
	}
	if !s.Storage.ok() {
		return "", nil, fmt.Errorf("%w: it shows no storage of its server", ErrUnsupported)
	}
	members, err := r.collection(s.Storage.ID, maxStorage)
	if err != nil {
		return "", nil, redfishError(ctx, err)
	}
	r.tree.spots = map[string]spot{}
	for _, raw := range members {
		var d storageDoc
		if json.Unmarshal(raw, &d) != nil || d.ID == "" {
			continue
		}
		one, err := r.oneStorage(ctx, d)
		if err != nil {
			return "", nil, redfishError(ctx, err)
		}
		all = append(all, one)
	}
	return s.SerialNumber, all, nil
}

func (r *redfishReader) oneStorage(ctx context.Context, d storageDoc) (inventory.Storage, error) {
	s := inventory.Storage{ID: d.ID, Name: d.Name}
	for _, c := range d.StorageControllers {
		s.Model, s.RAID = cmp.Or(s.Model, c.Model), append(s.RAID, c.SupportedRAIDTypes...)
	}
	serials := map[string]string{} // by path
	at := spot{volumes: d.Volumes.ID, drive: map[string]string{}, erase: map[string]string{}, volume: map[string]string{}}
	r.tree.spots[d.ID] = at
	for _, l := range d.Drives[:min(len(d.Drives), maxDrives)] {
		if !l.ok() {
			continue
		}
		var v driveDoc
		if err := r.get(l.ID, &v); absent(err) {
			continue // taken out meanwhile
		} else if err != nil {
			return s, err
		}
		if v.Status.State == "Absent" {
			continue
		}
		one := inventory.Drive{ID: v.ID, Serial: strings.TrimSpace(v.SerialNumber), Model: strings.TrimSpace(v.Model), Media: v.MediaType, Protocol: v.Protocol,
			Bytes: v.CapacityBytes, Health: v.Status.health(), Erasable: (link{v.Actions.SecureErase.Target}).ok()}
		for _, vol := range v.Links.Volumes {
			one.Volumes = append(one.Volumes, path.Base(vol.ID))
		}
		serials[l.ID], at.drive[v.ID], at.erase[v.ID] = one.Serial, l.ID, v.Actions.SecureErase.Target
		s.Drives = append(s.Drives, one)
	}
	volumes, err := r.volumes(d)
	for _, v := range volumes {
		one := inventory.Volume{ID: v.ID, Name: v.Name, RAID: cmp.Or(v.RAIDType, v.VolumeType), Bytes: v.CapacityBytes, Ready: v.Status.State == "" || v.Status.State == "Enabled"}
		for _, i := range v.Identifiers {
			one.Durable = cmp.Or(one.Durable, i.DurableName)
		}
		for _, l := range v.Links.Drives {
			one.Drives = append(one.Drives, serials[l.ID])
		}
		slices.Sort(one.Drives)
		at.volume[v.ID] = v.Path
		s.Volumes = append(s.Volumes, one)
	}
	return s, err
}

func (r *redfishReader) volumes(d storageDoc) (all []volumeDoc, err error) {
	if !d.Volumes.ok() {
		return nil, nil
	}
	members, err := r.collection(d.Volumes.ID, maxDrives)
	if absent(err) {
		return nil, nil
	}
	for _, raw := range members {
		var v volumeDoc
		if json.Unmarshal(raw, &v) == nil && v.ID != "" {
			all = append(all, v)
		}
	}
	return all, err
}

// spot is where the paths of a storage controller are, by the IDs of what is behind it.
type spot struct {
	volumes string
	drive   map[string]string
	erase   map[string]string
	volume  map[string]string
}

// store implements storer.
func (r *redfishReader) store(ctx context.Context, t inventory.StorageTask, s inventory.Storage, drives []inventory.Drive) (job string, err error) {
	at := r.tree.spots[s.ID] // it was read just now
	switch t.Kind {
	case inventory.VolumeCreate:
		return r.createVolume(ctx, at, t.RAID, t.Name, t.Bytes, drives)
	case inventory.VolumeDelete:
		p := link{at.volume[t.Volume]}
		if !p.ok() {
			return "", fmt.Errorf("%w: volume %s cannot be reached", ErrUnsupported, t.Volume)
		}
		resp, err := r.client.Delete(p.ID)
		return begun(resp), finish(ctx, resp, err)
	case inventory.DriveErase:
		target := link{at.erase[drives[0].ID]}
		if !target.ok() || len(drives) != 1 {
			return "", fmt.Errorf("%w: drives are erased one by one, where the BMC offers it", ErrUnsupported)
		}
		resp, err := r.client.Post(target.ID, map[string]any{})
		return begun(resp), finish(ctx, resp, err)
	case inventory.DriveJBOD:
		if len(drives) != 1 {
			return "", fmt.Errorf("%w: drives are passed through one by one", ErrUnsupported)
		}
		return r.createVolume(ctx, at, inventory.JBOD, "", 0, drives)
	}
	return "", fmt.Errorf("%w: unknown task %q", ErrUnsupported, t.Kind)
}

// createVolume asks for a volume. Services differ in where they want the drives: the schema has them in Links, and some
// take them at the top only (metal3-io/baremetal-operator issue 2720), so that a refusal of the one is followed by the other.
func (r *redfishReader) createVolume(ctx context.Context, at spot, raid, name string, bytes int64, drives []inventory.Drive) (job string, err error) {
	if !(link{at.volumes}).ok() {
		return "", fmt.Errorf("%w: this storage controller makes no volumes", ErrUnsupported)
	}
	var list []map[string]any
	for _, d := range drives {
		list = append(list, map[string]any{"@odata.id": at.drive[d.ID]})
	}
	body := map[string]any{"RAIDType": raid}
	if name != "" {
		body["Name"] = name
	}
	if bytes > 0 {
		body["CapacityBytes"] = bytes
	}
	for _, where := range []func(){
		func() { body["Links"] = map[string]any{"Drives": list} },
		func() { delete(body, "Links"); body["Drives"] = list },
	} {
		where()
		resp, perr := r.client.Post(at.volumes, body)
		job, err = begun(resp), finish(ctx, resp, perr)
		if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "Links") && !strings.Contains(err.Error(), "Drives") {
			break
		}
	}
	return job, err
}

// outcome implements storer.
func (r *redfishReader) outcome(ctx context.Context, job string) (over bool, err error) {
	if !(link{job}).ok() {
		return true, nil
	}
	var j struct {
		TaskState, JobState, TaskStatus, Message string
		Messages                                 []struct{ Message string }
	}
	if err := r.get(job, &j); absent(err) {
		return true, nil // forgotten: what the drives are like tells
	} else if status(err) >= http.StatusInternalServerError {
		return true, errors.New(message(err))
	} else if err != nil {
		return false, redfishError(ctx, err)
	}
	words := j.Message
	if len(j.Messages) > 0 {
		words = j.Messages[0].Message
	}
	switch state := cmp.Or(j.TaskState, j.JobState); {
	case state == "", state == "Completed", state == "RebootCompleted":
		return true, nil
	case !unfinished(state):
		return true, fmt.Errorf("its job ended as %s: %s", state, words)
	}
	return false, nil
}
