package api

import (
	"context"
	"net/http"
	"time"
)

// Storage is one storage controller of a server.
type Storage struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	Model   string   `json:"model,omitempty"`
	RAID    []string `json:"raid,omitempty" doc:"the kinds of volumes that it can make; None is a drive as it is (JBOD)"`
	Drives  []Drive  `json:"drives"`
	Volumes []Volume `json:"volumes"`
}

// Drive is one drive behind it.
type Drive struct {
	ID       string   `json:"id"`
	Serial   string   `json:"serial,omitempty"`
	Model    string   `json:"model,omitempty"`
	Media    string   `json:"media,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	Bytes    int64    `json:"bytes,omitempty"`
	Health   string   `json:"health,omitempty"`
	Volumes  []string `json:"volumes,omitempty" doc:"IDs"`
	Erasable bool     `json:"erasable"`
}

// Volume is one volume over some drives.
type Volume struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	RAID    string   `json:"raid,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"`
	Durable string   `json:"durable,omitempty" doc:"a name that no other volume ever has"`
	Drives  []string `json:"drives,omitempty" doc:"serials"`
	Ready   bool     `json:"ready"`
}

// StorageList is the answer of GET …/bmc/storage.
type StorageList struct {
	Machine string    `json:"machine"`
	Serial  string    `json:"serial,omitempty" doc:"of the machine, which orders have to name"`
	Storage []Storage `json:"storage"`
}

// StorageRequest orders something that destroys what is on the drives it names.
type StorageRequest struct {
	ID      string   `json:"id,omitempty" maxLength:"100" doc:"UUID of the order, good for once; empty: one is made"`
	Kind    string   `json:"kind" enum:"volume-create,volume-delete,jbod,erase"`
	Serial  string   `json:"serial" doc:"of the machine"`
	Drives  []string `json:"drives" maxItems:"256" doc:"serials; of a volume to be deleted: all that it lies on"`
	Volume  string   `json:"volume,omitempty" doc:"ID, of the one to be deleted"`
	Durable string   `json:"durable,omitempty" doc:"its durable name, if it has one"`
	RAID    string   `json:"raid,omitempty" doc:"of the one to be made"`
	Name    string   `json:"name,omitempty" maxLength:"100" doc:"of the one to be made"`
	Bytes   int64    `json:"bytes,omitempty" minimum:"0" doc:"of the one to be made; 0: all that there is"`
	DryRun  bool     `json:"dry_run,omitempty" doc:"only look whether all is as named"`
}

// StorageOrder is an order for drives, and what became of it.
type StorageOrder struct {
	ID       string     `json:"id"`
	Machine  string     `json:"machine"`
	Kind     string     `json:"kind"`
	What     string     `json:"what"`
	State    string     `json:"state" doc:"issued (a dry run), taken, done, failed, refused, or lost: nobody knows"`
	Message  string     `json:"message,omitempty"`
	Actor    string     `json:"actor"`
	IssuedAt time.Time  `json:"issued_at"`
	EndedAt  *time.Time `json:"ended_at,omitempty"`
}

// StorageOrders is the answer of GET …/bmc/storage/orders, the newest first.
type StorageOrders struct {
	Orders []StorageOrder `json:"orders"`
}

// Storage lists what is behind a machine's storage controllers.
func (c *Client) Storage(ctx context.Context, ref string) (StorageList, error) {
	var out StorageList
	return out, c.request(ctx, http.MethodGet, bmcPath(ref, "/storage"), nil, nil, &out)
}

// OrderStorage orders something for a machine's drives. It goes on by itself: StorageOrders tells of it.
func (c *Client) OrderStorage(ctx context.Context, ref string, r StorageRequest) (StorageOrder, error) {
	var out StorageOrder
	return out, c.request(ctx, http.MethodPost, bmcPath(ref, "/storage/orders"), nil, r, &out)
}

// StorageOrders lists the newest orders for a machine's drives.
func (c *Client) StorageOrders(ctx context.Context, ref string) ([]StorageOrder, error) {
	var out StorageOrders
	err := c.request(ctx, http.MethodGet, bmcPath(ref, "/storage/orders"), nil, nil, &out)
	return out.Orders, err
}
