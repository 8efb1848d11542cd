package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/internal/secret"
	"socle/inventory"
)

type orderRow struct {
	Num      int64 `gorm:"primaryKey;autoIncrement"`
	ID       string
	Machine  string
	Session  string
	Kind     string
	Serial   string
	Params   string
	State    string
	Seq      int64
	Done     int64
	Total    int64
	Wire     int64
	Code     string
	Message  string
	Result   string
	IssuedAt int64
	TakenAt  int64
	EndedAt  int64
}

// TableName implements gorm's Tabler.
func (orderRow) TableName() string { return "orders" }

func (s *Store) order(r orderRow) (inventory.Order, error) {
	params, err := s.unsealParams(r)
	if err != nil {
		return inventory.Order{}, fmt.Errorf("reading the parameters of order %s: %w", r.ID, err)
	}
	return inventory.Order{
		ID: r.ID, Machine: r.Machine, Session: r.Session, Kind: r.Kind, Serial: r.Serial, Params: params,
		State: inventory.OrderState(r.State), Seq: r.Seq, Done: r.Done, Total: r.Total, Wire: r.Wire,
		Code: r.Code, Message: r.Message, Result: rawJSON(r.Result),
		IssuedAt: instant(r.IssuedAt), TakenAt: instant(r.TakenAt), EndedAt: instant(r.EndedAt),
	}, nil
}

// sealParams hides an order's parameters: a seed carries tokens and keys.
func (s *Store) sealParams(order, params string) (string, error) {
	if params == "" {
		return "", nil
	}
	if s.keys == nil {
		return "", errNoKeys
	}
	sealed, err := s.keys.Seal(secret.New(params), order)
	return base64.StdEncoding.EncodeToString(sealed), err
}

func (s *Store) unsealParams(r orderRow) (json.RawMessage, error) {
	if r.Params == "" {
		return nil, nil
	}
	if s.keys == nil {
		return nil, errNoKeys
	}
	sealed, err := base64.StdEncoding.DecodeString(r.Params)
	if err != nil {
		return nil, err
	}
	params, err := s.keys.Unseal(sealed, r.ID)
	if err != nil {
		return nil, err
	}
	return rawJSON(params.Reveal()), nil
}

// Issue stores a new order for the agent of a live session; ErrSessionEnded when that session is over. It
// makes the ID when there is none, and notes the order in the history.
func (s *Store) Issue(ctx context.Context, o inventory.Order) (inventory.Order, error) {
	if o.ID == "" {
		o.ID = uuid.NewString()
	}
	params, err := storableJSON(o.Params)
	if err != nil {
		return inventory.Order{}, fmt.Errorf("issuing %s: parameters: %w", o.Kind, err)
	}
	if params, err = s.sealParams(o.ID, params); err != nil {
		return inventory.Order{}, fmt.Errorf("issuing %s: sealing its parameters: %w", o.Kind, err)
	}
	row := orderRow{
		ID: o.ID, Machine: o.Machine, Session: o.Session, Kind: clean(o.Kind), Serial: clean(o.Serial), Params: params,
		State: string(inventory.OrderIssued), IssuedAt: micros(s.now()),
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		row.Num = 0
		m, err := lockMachine(tx, o.Machine) // against a new boot that starts at the same time
		if err != nil {
			return err
		}
		if err := live(tx, o.Session, o.Machine); err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.append(tx, inventory.Event{
			Machine: m.ID, Name: m.Name, Actor: inventory.ActorProvision, Kind: "order", Reason: "ordered " + row.Kind,
		})
	})
	if err != nil {
		return inventory.Order{}, fmt.Errorf("issuing %s to machine %s: %w", o.Kind, o.Machine, err)
	}
	return s.order(row)
}

// live checks that a session is the machine's and has not ended.
func live(tx *gorm.DB, session, machine string) error {
	var row sessionRow
	if err := tx.Take(&row, "id = ?", clean(session)).Error; err != nil {
		return notFound(err, "reading session %s", session)
	}
	if machine != "" && row.Machine != machine {
		return fmt.Errorf("session %s is of another machine: %w", session, ErrNotFound)
	}
	if row.EndedAt != 0 {
		return fmt.Errorf("session %s: %w", session, ErrSessionEnded)
	}
	return nil
}

// NextOrder hands out the oldest unfinished order of a live session and marks it as taken. One that was
// taken is handed out again until it is finished, because the answer may have been lost: the agent knows
// what it has carried out. ErrNotFound when there is none, ErrSessionEnded when the session is over.
func (s *Store) NextOrder(ctx context.Context, sessionID string) (inventory.Order, error) {
	row, err := oldestOrder(s.db.WithContext(ctx), sessionID)
	if err != nil {
		return inventory.Order{}, fmt.Errorf("looking for orders: %w", err)
	}
	if row.State == string(inventory.OrderTaken) {
		return s.order(row)
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if row, err = oldestOrder(tx.Clauses(clause.Locking{Strength: "UPDATE"}), sessionID); err != nil {
			return err
		}
		if row.State == string(inventory.OrderTaken) {
			return nil
		}
		row.State, row.TakenAt = string(inventory.OrderTaken), micros(s.now())
		return tx.Model(&orderRow{}).Where("num = ?", row.Num).Updates(map[string]any{"state": row.State, "taken_at": row.TakenAt}).Error
	})
	if err != nil {
		return inventory.Order{}, fmt.Errorf("taking an order: %w", err)
	}
	return s.order(row)
}

func oldestOrder(tx *gorm.DB, sessionID string) (orderRow, error) {
	if err := live(tx.Session(&gorm.Session{}), sessionID, ""); err != nil {
		return orderRow{}, err
	}
	var row orderRow
	err := tx.Session(&gorm.Session{}).Where("session = ? AND state IN ?", clean(sessionID), []inventory.OrderState{inventory.OrderIssued, inventory.OrderTaken}).
		Order("num").Take(&row).Error
	if err != nil {
		return row, notFound(err, "no unfinished order in session %s", sessionID)
	}
	return row, nil
}

// OrderReport is what the agent says of an order.
type OrderReport = inventory.OrderReport

// Report stores the agent's word on one of its session's orders. A report that comes twice, or after a
// later one, counts once, and a final order stays as it is: both return the order as it stands. A final
// report leaves an event and queues the machine's next step.
func (s *Store) Report(ctx context.Context, sessionID, orderID string, r OrderReport) (inventory.Order, error) {
	if r.Seq < 1 {
		return inventory.Order{}, fmt.Errorf("storing a report of order %s: its number is %d, they begin with 1", orderID, r.Seq)
	}
	switch r.State {
	case inventory.OrderTaken, inventory.OrderDone, inventory.OrderFailed, inventory.OrderRefused:
	default:
		return inventory.Order{}, fmt.Errorf("storing a report of order %s: an agent cannot report state %q", orderID, r.State)
	}
	result, err := storableJSON(r.Result)
	if err != nil {
		return inventory.Order{}, fmt.Errorf("storing a report of order %s: result: %w", orderID, err)
	}
	var row orderRow
	errSame := errors.New("nothing to store")
	err = s.write(ctx, func(tx *gorm.DB) error {
		err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&row, "id = ? AND session = ?", clean(orderID), clean(sessionID)).Error
		if err != nil {
			return notFound(err, "reading it in session %s", sessionID)
		}
		if inventory.OrderState(row.State).Final() || r.Seq <= row.Seq {
			return errSame
		}
		row.Seq, row.State, row.Done, row.Total, row.Wire = r.Seq, string(r.State), r.Done, r.Total, r.Wire
		row.Code, row.Message = cut(r.Code, 100), cut(r.Message, 4096)
		if row.TakenAt == 0 {
			row.TakenAt = micros(s.now())
		}
		if r.State.Final() {
			row.Result, row.EndedAt = result, micros(s.now())
		}
		if err := tx.Model(&orderRow{}).Where("num = ?", row.Num).Select("*").Omit("num").Updates(&row).Error; err != nil {
			return err
		}
		if !r.State.Final() {
			return nil
		}
		return s.finished(ctx, tx, row)
	})
	if err != nil && !errors.Is(err, errSame) {
		return inventory.Order{}, fmt.Errorf("storing a report of order %s: %w", orderID, err)
	}
	return s.order(row)
}

// finished queues what follows a finished order and notes it in the history.
func (s *Store) finished(ctx context.Context, tx *gorm.DB, o orderRow) error {
	if err := s.queue(ctx, tx, o.Machine); err != nil {
		return err
	}
	var m machineRow
	if err := tx.Select("id", "name").Take(&m, "id = ?", o.Machine).Error; err != nil {
		return err
	}
	reason := o.Kind + " is " + o.State
	if o.Code != "" || o.Message != "" {
		reason += ": " + o.Code + " " + o.Message
	}
	return s.append(tx, inventory.Event{
		Machine: m.ID, Name: m.Name, Actor: inventory.ActorAgent, Kind: "order", Reason: reason, After: rawJSON(o.Result),
	})
}

// Orders returns all orders of a machine, the newest first.
func (s *Store) Orders(ctx context.Context, machineID string) ([]inventory.Order, error) {
	var rows []orderRow
	if err := s.db.WithContext(ctx).Where("machine = ?", machineID).Order("num DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the orders of machine %s: %w", machineID, err)
	}
	orders := make([]inventory.Order, 0, len(rows))
	for _, r := range rows {
		o, err := s.order(r)
		if err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, nil
}
