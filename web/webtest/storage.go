package webtest

import (
	"context"
	"net/http"

	"socle/api"
	"socle/inventory"
)

// drives is what is behind the one controller of every machine here.
func drives(of *host) []inventory.Storage {
	s := inventory.Storage{ID: "RAID1", Model: "Virtual RAID", RAID: []string{"None", "RAID1"}, Volumes: []inventory.Volume{
		{ID: "1", Name: "root", RAID: "RAID1", Bytes: 480 << 30, Durable: "naa.6000", Drives: []string{"D1", "D2"}, Ready: true}}}
	for _, d := range []inventory.Drive{{ID: "0", Serial: "D1", Volumes: []string{"1"}}, {ID: "1", Serial: "D2", Volumes: []string{"1"}}, {ID: "2", Serial: "D3"}, {ID: "3", Serial: "D4"}} {
		d.Model, d.Media, d.Protocol, d.Bytes, d.Health, d.Erasable = "SSD-480", "SSD", "SATA", 480<<30, inventory.HealthOK, true
		s.Drives = append(s.Drives, d)
	}
	if of.deleted {
		s.Volumes = nil
		for i := range s.Drives {
			s.Drives[i].Volumes = nil
		}
	}
	return []inventory.Storage{s}
}

// Storage implements web.Disks.
func (w *World) Storage(_ context.Context, ref string) (api.StorageList, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return api.StorageList{}, err
	}
	m, _ := w.find(ref) // ask found it
	list := api.StorageList{Machine: m.Name, Serial: m.Serial()}
	for _, s := range drives(h) {
		one := api.Storage{ID: s.ID, Model: s.Model, RAID: s.RAID}
		for _, d := range s.Drives {
			one.Drives = append(one.Drives, api.Drive{ID: d.ID, Serial: d.Serial, Model: d.Model, Media: d.Media, Protocol: d.Protocol, Bytes: d.Bytes, Health: string(d.Health), Volumes: d.Volumes, Erasable: true})
		}
		for _, v := range s.Volumes {
			one.Volumes = append(one.Volumes, api.Volume(v))
		}
		list.Storage = append(list.Storage, one)
	}
	return list, nil
}

// OrderStorage implements web.Disks. What is ordered is done at once.
func (w *World) OrderStorage(_ context.Context, actor, ref string, r api.StorageRequest) (api.StorageOrder, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return api.StorageOrder{}, err
	}
	m, _ := w.find(ref) // ask found it
	t := inventory.StorageTask{Kind: inventory.StorageKind(r.Kind), Serial: r.Serial, Drives: r.Drives, Volume: r.Volume, Durable: r.Durable, RAID: r.RAID}
	if r.Serial != m.Serial() {
		return api.StorageOrder{}, api.NewProblem(http.StatusConflict, api.ErrSerial, "serial "+r.Serial+" was confirmed, it has "+m.Serial())
	}
	if _, _, err := t.Find(drives(h)); err != nil {
		return api.StorageOrder{}, api.NewProblem(http.StatusConflict, api.ErrSerial, m.Name+": "+err.Error())
	}
	o := api.StorageOrder{ID: r.ID, Machine: m.Name, Kind: r.Kind, What: t.String(), State: "issued", Message: "would be done; nothing was", Actor: actor, IssuedAt: w.Now()}
	if !r.DryRun {
		h.deleted = h.deleted || t.Kind == inventory.VolumeDelete
		w.calls = append(w.calls, "storage "+m.Name)
		at := w.Now()
		o.State, o.Message, o.EndedAt = "done", "the BMC shows it", &at
		h.orders = append(h.orders, o)
	}
	return o, nil
}

// StorageOrders implements web.Disks.
func (w *World) StorageOrders(_ context.Context, ref string) ([]api.StorageOrder, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, err := w.ask(ref, "")
	if err != nil {
		return nil, err
	}
	return h.orders, nil
}
