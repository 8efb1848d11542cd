package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"socle/api"
	"socle/inventory"
)

// Disks sees to the drives and volumes of servers by their BMCs. Its errors are *Failure; a target that is another one
// has the kind FaultRefused.
type Disks interface {
	Storage(ctx context.Context, m inventory.Machine) ([]inventory.Storage, error)
	// Store carries out a task once, if all that it names is as it says, and returns the BMC's job for it, if there is one.
	Store(ctx context.Context, m inventory.Machine, t inventory.StorageTask) (job string, err error)
	// StoreOutcome looks whether a job is over, why it failed, and what the drives are like then.
	StoreOutcome(ctx context.Context, m inventory.Machine, job string) (over bool, failed string, all []inventory.Storage, err error)
}

// BMCOrders keeps the destructive orders to BMCs. Issue refuses an ID that was used before with inventory.ErrUsed.
type BMCOrders interface {
	IssueBMCOrder(ctx context.Context, o inventory.BMCOrder) error
	BegunBMCOrder(ctx context.Context, id, job string) error
	EndBMCOrder(ctx context.Context, o inventory.BMCOrder) error
	BMCOrder(ctx context.Context, id string) (inventory.BMCOrder, error)
	BMCOrders(ctx context.Context, machineID string, limit int) ([]inventory.BMCOrder, error)
	OpenBMCOrders(ctx context.Context) ([]inventory.BMCOrder, error)
}

// storable finds a machine whose drives can be seen to.
func (e *Engine) storable(ctx context.Context, ref string) (inventory.Machine, error) {
	m, err := e.find(ctx, ref)
	switch {
	case err != nil:
		return m, err
	case e.Disks == nil:
		return m, problem(http.StatusNotImplemented, api.ErrInvalid, "this server does not see to drives")
	case !m.BMC.Known():
		return m, problem(http.StatusConflict, api.ErrConflict, "no BMC of %s is known: name it in the manifest", m.Name)
	}
	return m, nil
}

// Storage lists what is behind a machine's storage controllers.
func (e *Engine) Storage(ctx context.Context, ref string) (api.StorageList, error) {
	m, err := e.storable(ctx, ref)
	if err != nil {
		return api.StorageList{}, err
	}
	all, err := e.Disks.Storage(ctx, m)
	if err != nil {
		return api.StorageList{}, asProblem(err)
	}
	list := api.StorageList{Machine: m.Name, Serial: m.Serial(), Storage: []api.Storage{}}
	for _, s := range all {
		one := api.Storage{ID: s.ID, Name: s.Name, Model: s.Model, RAID: s.RAID, Drives: []api.Drive{}, Volumes: []api.Volume{}}
		for _, d := range s.Drives {
			one.Drives = append(one.Drives, api.Drive{ID: d.ID, Serial: d.Serial, Model: d.Model, Media: d.Media, Protocol: d.Protocol, Bytes: d.Bytes,
				Health: string(d.Health), Volumes: d.Volumes, Erasable: d.Erasable})
		}
		for _, v := range s.Volumes {
			one.Volumes = append(one.Volumes, api.Volume(v))
		}
		list.Storage = append(list.Storage, one)
	}
	return list, nil
}

// StorageOrders lists the newest orders for a machine's drives, from the database.
func (e *Engine) StorageOrders(ctx context.Context, ref string) ([]api.StorageOrder, error) {
	m, err := e.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	all, err := e.Store.BMCOrders(ctx, m.ID, 100)
	out := make([]api.StorageOrder, 0, len(all))
	for _, o := range all {
		out = append(out, storageOrderOut(o))
	}
	return out, err
}

func storageOrderOut(o inventory.BMCOrder) api.StorageOrder {
	out := api.StorageOrder{ID: o.ID, Machine: o.Name, Kind: string(o.Task.Kind), What: o.Task.String(), State: string(o.State), Message: o.Message, Actor: o.Actor, IssuedAt: o.IssuedAt}
	if !o.EndedAt.IsZero() {
		out.EndedAt = &o.EndedAt
	}
	return out
}

// OrderStorage orders something for a machine's drives that destroys what is on them. It is bound to the serials of the
// machine and the drives, and the durable name of a volume; an order's ID is good for once.
func (e *Engine) OrderStorage(ctx context.Context, actor, ref string, r api.StorageRequest) (api.StorageOrder, error) {
	m, err := e.storable(ctx, ref)
	if err != nil {
		return api.StorageOrder{}, err
	}
	t := inventory.StorageTask{Kind: inventory.StorageKind(r.Kind), Serial: r.Serial, Drives: r.Drives, Volume: r.Volume, Durable: r.Durable, RAID: r.RAID, Name: r.Name, Bytes: r.Bytes}
	o := inventory.BMCOrder{ID: r.ID, Machine: m.ID, Name: m.Name, Task: t, Actor: actor, State: inventory.OrderTaken, IssuedAt: e.Now()}
	if o.ID == "" {
		o.ID = uuid.NewString()
	}
	if _, err := uuid.Parse(o.ID); err != nil {
		return api.StorageOrder{}, problem(http.StatusUnprocessableEntity, api.ErrInvalid, "the order's ID is no UUID")
	}
	if err := mayStore(&m, t); err != nil {
		return api.StorageOrder{}, err
	}
	all, err := e.Disks.Storage(ctx, m)
	if err != nil {
		return api.StorageOrder{}, asProblem(err)
	}
	if _, _, err := t.Find(all); err != nil {
		return api.StorageOrder{}, problem(http.StatusConflict, api.ErrSerial, "%s: %v: nothing was done", m.Name, err)
	}
	if r.DryRun {
		o.State = inventory.OrderIssued
		o.Message = "would be done; nothing was"
		return storageOrderOut(o), nil
	}
	if err := e.Store.IssueBMCOrder(ctx, o); errors.Is(err, inventory.ErrUsed) {
		return api.StorageOrder{}, problem(http.StatusConflict, api.ErrConflict, "an order with ID %s was given before: none is carried out twice", o.ID)
	} else if err != nil {
		return api.StorageOrder{}, err
	}
	e.Log.Warn("order for drives", "machine", m.Name, "what", t.String(), "actor", actor)
	return e.carryOut(context.WithoutCancel(ctx), m, o)
}

// mayStore refuses what would destroy something that is in use, or meant to be left alone.
func mayStore(m *inventory.Machine, t inventory.StorageTask) error {
	switch {
	case t.Serial == "" || !strings.EqualFold(t.Serial, m.Serial()):
		return problem(http.StatusConflict, api.ErrSerial, "serial %q was confirmed, %s has %q: nothing was done", t.Serial, m.Name, m.Serial())
	case m.Held():
		return held(m)
	case m.State != inventory.Expected && m.State != inventory.Discovered && m.State != inventory.Ready:
		return problem(http.StatusConflict, api.ErrConflict, "%s is %s: drives are changed of expected, discovered and ready machines only", m.Name, m.State)
	case t.Kind == inventory.VolumeCreate && t.RAID == "":
		return problem(http.StatusUnprocessableEntity, api.ErrInvalid, "say which kind of volume it is to be")
	}
	return nil
}

// carryOut tells the BMC an order that is written down. What it refuses ends there; of what is not known, later looks tell.
func (e *Engine) carryOut(ctx context.Context, m inventory.Machine, o inventory.BMCOrder) (api.StorageOrder, error) {
	job, err := e.Disks.Store(ctx, m, o.Task)
	var f *Failure
	switch {
	case errors.As(err, &f) && f.Kind == inventory.FaultBMCSilent:
		err = nil // it may have heard
	case errors.As(err, &f):
		state := inventory.OrderFailed
		if f.Kind == inventory.FaultRefused {
			state = inventory.OrderRefused
		}
		if end := e.endStorage(ctx, &o, state, f.Error()); end != nil {
			return storageOrderOut(o), end
		}
		if state == inventory.OrderRefused {
			return storageOrderOut(o), problem(http.StatusConflict, api.ErrSerial, "%s", f.Error())
		}
		return storageOrderOut(o), asProblem(err)
	case err == nil:
		o.Job = noJob
		if job != "" {
			o.Job = job
		}
		err = e.Store.BegunBMCOrder(ctx, o.ID, o.Job)
	}
	if err == nil {
		err = e.queueStorage(ctx, o.ID)
	}
	return storageOrderOut(o), err
}

// noJob stands for the job of an order that the BMC took without one.
const noJob = "none"

// storagePatience is how long a BMC may work at drives: an erase by overwriting takes a day or more.
const storagePatience = 72 * time.Hour

// followStorage looks what became of an order and says when to look again; 0: it is over.
func (e *Engine) followStorage(ctx context.Context, id string) (time.Duration, error) {
	o, err := e.Store.BMCOrder(ctx, id)
	if errors.Is(err, inventory.ErrNotFound) || err == nil && o.State.Final() {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	age := e.Now().Sub(o.IssuedAt)
	if o.Job == "" && age < e.Pauses.Tell {
		return min(e.Pauses.Tell-age, e.Pauses.Boot), nil // who ordered it may be about to tell it
	}
	m, err := e.Store.Machine(ctx, o.Machine)
	if err != nil {
		return 0, err
	}
	job := o.Job
	if job == noJob {
		job = ""
	}
	over, failed, all, err := e.Disks.StoreOutcome(ctx, m, job)
	if err != nil && age < storagePatience {
		e.Log.Debug("looking at an order for drives", "machine", m.Name, "err", err)
		return e.Pauses.Idle, nil
	}
	switch seen := o.Task.Seen(all); {
	case err != nil:
		return 0, e.endStorage(ctx, &o, inventory.OrderLost, "nobody knows what became of it: "+err.Error())
	case !over && age < storagePatience:
		return e.Pauses.Boot, nil
	case !over:
		return 0, e.endStorage(ctx, &o, inventory.OrderLost, fmt.Sprintf("the BMC's job %s did not end within %v", job, storagePatience))
	case failed != "":
		return 0, e.endStorage(ctx, &o, inventory.OrderFailed, failed)
	case seen != nil && o.Job == "":
		return 0, e.endStorage(ctx, &o, inventory.OrderLost, "the BMC did not answer the order, and "+seen.Error()+"; it is not told again")
	case seen != nil:
		return 0, e.endStorage(ctx, &o, inventory.OrderFailed, "the BMC took it, and "+seen.Error())
	case o.Task.Kind == inventory.DriveErase && job == "":
		return 0, e.endStorage(ctx, &o, inventory.OrderLost, "the BMC shows no job for it, so that nothing proves the erase; look at the drive")
	case o.Task.Kind == inventory.DriveErase:
		return 0, e.endStorage(ctx, &o, inventory.OrderDone, "the BMC's job ended well; what is on the drive was not read")
	}
	return 0, e.endStorage(ctx, &o, inventory.OrderDone, "the BMC shows it")
}

func (e *Engine) endStorage(ctx context.Context, o *inventory.BMCOrder, state inventory.OrderState, message string) error {
	o.State, o.Message, o.EndedAt = state, message, e.Now()
	return e.Store.EndBMCOrder(ctx, *o)
}

// storageArgs is "look what became of this order for drives".
type storageArgs struct {
	Order string `json:"order" river:"unique"`
}

// Kind implements river.JobArgs.
func (storageArgs) Kind() string { return "storage" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (storageArgs) InsertOpts() river.InsertOpts {
	return endless(river.QueueDefault)
}

type storageWorker struct{ worker[storageArgs] }

// Work implements river.Worker.
func (w *storageWorker) Work(ctx context.Context, job *river.Job[storageArgs]) error {
	return later(w.engine.followStorage(ctx, job.Args.Order))
}

func (e *Engine) queueStorage(ctx context.Context, id string) error {
	return e.insert(ctx, storageArgs{Order: id}, "the look at an order for drives")
}

// sweepStorage queues the orders that are not over.
func (e *Engine) sweepStorage(ctx context.Context) error {
	open, err := e.Store.OpenBMCOrders(ctx)
	for _, o := range open {
		if err == nil {
			err = e.queueStorage(ctx, o.ID)
		}
	}
	return err
}
