package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"socle/inventory"
)

type bmcOrderRow struct {
	ID       string `gorm:"primaryKey"`
	Machine  string
	Kind     string
	Serial   string
	Target   string // the task as JSON
	Actor    string
	State    string
	Job      string
	Message  string
	IssuedAt int64
	EndedAt  int64
	Name     string `gorm:"->"` // the machine's, where it was joined
}

// TableName implements gorm's Tabler.
func (bmcOrderRow) TableName() string { return "bmc_orders" }

func (r bmcOrderRow) order() (inventory.BMCOrder, error) {
	o := inventory.BMCOrder{ID: r.ID, Machine: r.Machine, Name: r.Name, Actor: r.Actor, State: inventory.OrderState(r.State), Job: r.Job, Message: r.Message,
		IssuedAt: instant(r.IssuedAt), EndedAt: instant(r.EndedAt)}
	if err := json.Unmarshal([]byte(r.Target), &o.Task); err != nil {
		return o, fmt.Errorf("decoding the BMC order %s: %w", r.ID, err)
	}
	return o, nil
}

// IssueBMCOrder stores an order before its BMC is told, with an event. An ID that was used before is inventory.ErrUsed: no order
// is carried out twice.
func (s *Store) IssueBMCOrder(ctx context.Context, o inventory.BMCOrder) error {
	task, err := json.Marshal(o.Task)
	if err != nil {
		return fmt.Errorf("storing the BMC order %s: %w", o.ID, err)
	}
	row := bmcOrderRow{ID: cut(o.ID, 100), Machine: o.Machine, Kind: string(o.Task.Kind), Serial: clean(o.Task.Serial), Target: clean(string(task)),
		Actor: cut(o.Actor, 200), State: string(o.State), IssuedAt: micros(o.IssuedAt)}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
			return inventory.ErrUsed
		} else if err != nil {
			return err
		}
		return s.append(tx, inventory.Event{Machine: o.Machine, Name: o.Name, Actor: o.Actor, Kind: "storage", Reason: "ordered: " + o.Task.String(), After: task})
	})
	if err != nil {
		return fmt.Errorf("storing the BMC order %s: %w", o.ID, err)
	}
	return nil
}

// BegunBMCOrder notes the BMC's own job for an order that is not over.
func (s *Store) BegunBMCOrder(ctx context.Context, id, job string) error {
	return s.moveBMCOrder(ctx, id, map[string]any{"job": cut(job, 1000)}, nil)
}

// EndBMCOrder ends an order that is not over, with an event. Of one that is, the first end counts.
func (s *Store) EndBMCOrder(ctx context.Context, o inventory.BMCOrder) error {
	fields := map[string]any{"state": string(o.State), "message": cut(o.Message, 4096), "ended_at": micros(o.EndedAt)}
	return s.moveBMCOrder(ctx, o.ID, fields, &inventory.Event{Machine: o.Machine, Name: o.Name, Actor: inventory.ActorProvision, Kind: "storage",
		Reason: o.Task.String() + ": " + string(o.State) + ": " + o.Message})
}

func (s *Store) moveBMCOrder(ctx context.Context, id string, fields map[string]any, event *inventory.Event) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&bmcOrderRow{}).Where("id = ? AND state = ?", id, string(inventory.OrderTaken)).Updates(fields)
		if res.Error != nil || res.RowsAffected == 0 || event == nil {
			return res.Error
		}
		return s.append(tx, *event)
	})
	if err != nil {
		return fmt.Errorf("storing what became of the BMC order %s: %w", id, err)
	}
	return nil
}

// BMCOrder reads one order; ErrNotFound when there is none.
func (s *Store) BMCOrder(ctx context.Context, id string) (inventory.BMCOrder, error) {
	var row bmcOrderRow
	err := s.bmcOrders(ctx).Where("bmc_orders.id = ?", clean(id)).Take(&row).Error
	if err != nil {
		return inventory.BMCOrder{}, notFound(err, "reading the BMC order %s", id)
	}
	return row.order()
}

// BMCOrders returns the newest orders of a machine, the newest first; OpenBMCOrders those of all that are not over.
func (s *Store) BMCOrders(ctx context.Context, machineID string, limit int) ([]inventory.BMCOrder, error) {
	return s.listBMCOrders(s.bmcOrders(ctx).Where("machine = ?", machineID).Order("issued_at DESC, bmc_orders.id").Limit(limit))
}

// OpenBMCOrders returns the orders of all machines that are not over, the oldest first.
func (s *Store) OpenBMCOrders(ctx context.Context) ([]inventory.BMCOrder, error) {
	return s.listBMCOrders(s.bmcOrders(ctx).Where("bmc_orders.state = ?", string(inventory.OrderTaken)).Order("issued_at"))
}

func (s *Store) bmcOrders(ctx context.Context) *gorm.DB {
	return s.db.WithContext(ctx).Model(&bmcOrderRow{}).Select("bmc_orders.*, machines.name").Joins("JOIN machines ON machines.id = bmc_orders.machine")
}

func (s *Store) listBMCOrders(q *gorm.DB) ([]inventory.BMCOrder, error) {
	var rows []bmcOrderRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading BMC orders: %w", err)
	}
	all := make([]inventory.BMCOrder, 0, len(rows))
	for _, r := range rows {
		o, err := r.order()
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}
