package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type conditionRow struct {
	Machine  string `gorm:"primaryKey"`
	Time     int64
	Health   string
	Power    string
	Locator  string
	Watts    *float64
	Sensors  string
	Notes    string
	MarkID   string `gorm:"column:mark_id"`
	MarkTime int64
	Failure  string
	Failures int
	Since    int64
	Name     string `gorm:"->"` // the machine's, where it was joined
}

// TableName implements gorm's Tabler.
func (conditionRow) TableName() string { return "conditions" }

func (r conditionRow) condition() (inventory.Condition, error) {
	c := inventory.Condition{
		Machine: r.Machine, Name: r.Name, Time: instant(r.Time), Health: inventory.Health(r.Health), Power: inventory.Power(r.Power),
		Locator: inventory.Locator(r.Locator), Watts: r.Watts, Mark: inventory.LogMark{ID: r.MarkID, Time: instant(r.MarkTime)},
		Failure: r.Failure, Failures: r.Failures, Since: instant(r.Since),
	}
	for _, part := range []struct {
		text string
		into any
	}{{r.Sensors, &c.Sensors}, {r.Notes, &c.Notes}} {
		if part.text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return c, fmt.Errorf("reading how %s is: %w", r.Machine, err)
		}
	}
	return c, nil
}

// sensorsKept bounds the sensors of a machine that are kept, and their texts' length.
const (
	sensorsKept = 512
	notesKept   = 16
)

// saw takes in a look.
func (r *conditionRow) saw(l inventory.Look) error {
	if l.Failure != "" {
		if r.Failures++; r.Failures == 1 {
			r.Since = micros(l.Time)
		}
		r.Failure = cut(l.Failure, 1024)
		return nil
	}
	v := l.Vitals
	r.Failure, r.Failures, r.Since = "", 0, 0
	r.Time, r.Power, r.Locator, r.Watts = micros(l.Time), string(v.Power), string(v.Locator), v.Watts
	r.Health, r.MarkID, r.MarkTime = string(v.Health()), cut(v.Mark.ID, 200), micros(v.Mark.Time)
	sensors := make([]inventory.Sensor, 0, len(v.Sensors))
	for _, s := range v.Sensors[:min(sensorsKept, len(v.Sensors))] {
		s.Name, s.State, s.Unit = cut(s.Name, 120), cut(s.State, 200), cut(s.Unit, 32)
		sensors = append(sensors, s)
	}
	notes := make([]string, 0, len(v.Notes))
	for _, n := range v.Notes[:min(notesKept, len(v.Notes))] {
		notes = append(notes, cut(n, 600))
	}
	for _, part := range []struct {
		from any
		into *string
	}{{sensors, &r.Sensors}, {notes, &r.Notes}} {
		text, err := json.Marshal(part.from)
		if err != nil {
			return err
		}
		*part.into = string(text)
	}
	return nil
}

// AddLooks stores what looks at BMCs saw, in one transaction: the conditions, the past, and the alarms that began and
// ended, each with an event. Entries of the BMCs' logs that tell of something bad become events too, once.
func (s *Store) AddLooks(ctx context.Context, looks []inventory.Look) error {
	if len(looks) == 0 {
		return nil
	}
	var happened bool
	work := func(tx *gorm.DB) error {
		var events []inventory.Event
		for _, l := range looks {
			some, err := s.addLook(tx, l)
			if err != nil {
				return fmt.Errorf("%s: %w", l.Name, err)
			}
			events = append(events, some...)
		}
		happened = len(events) > 0
		return s.append(tx, events...)
	}
	if err := s.quietly(ctx, work); err != nil {
		return fmt.Errorf("storing how %d servers are: %w", len(looks), err)
	}
	if happened {
		s.notify()
	}
	return nil
}

func (s *Store) addLook(tx *gorm.DB, l inventory.Look) ([]inventory.Event, error) {
	if l.Time.IsZero() {
		l.Time = s.now()
	}
	row := conditionRow{Machine: l.Machine}
	if err := tx.Where("machine = ?", l.Machine).Limit(1).Find(&row).Error; err != nil {
		return nil, err
	}
	if err := row.saw(l); err != nil {
		return nil, err
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
		return nil, err
	}
	if l.Failure == "" {
		for _, step := range inventory.SampleSteps {
			if err := addSample(tx, l, step); err != nil {
				return nil, err
			}
		}
	}
	events, err := changeAlarms(tx, l, row.Failures)
	if err != nil {
		return nil, err
	}
	return append(events, logEvents(l)...), nil
}

// logEventsKept bounds the events that one look makes of a log.
const logEventsKept = 20

// logEvents makes events of the new entries of a BMC's log that tell of something bad.
func logEvents(l inventory.Look) []inventory.Event {
	var events []inventory.Event
	more := 0
	for _, e := range l.Vitals.Log {
		if !e.Health.Bad() {
			continue
		}
		if len(events) >= logEventsKept {
			more++
			continue
		}
		text := e.Text
		if e.Sensor != "" {
			text = e.Sensor + ": " + text
		}
		events = append(events, lookEvent(l, "bmc-log", fmt.Sprintf("the BMC logged (%s): %s", e.Health, text)))
	}
	if more > 0 {
		events = append(events, lookEvent(l, "bmc-log", fmt.Sprintf("the BMC logged %d more of that kind: socle bmc sel %s", more, l.Name)))
	}
	return events
}

func lookEvent(l inventory.Look, kind, reason string) inventory.Event {
	return inventory.Event{Time: l.Time, Machine: l.Machine, Name: l.Name, Actor: inventory.ActorHealth, Kind: kind, Reason: reason}
}

// Condition tells how a machine is; ErrNotFound when nobody has looked.
func (s *Store) Condition(ctx context.Context, machineID string) (inventory.Condition, error) {
	var row conditionRow
	err := s.db.WithContext(ctx).Select("conditions.*, machines.name").
		Joins("JOIN machines ON machines.id = conditions.machine").Take(&row, "conditions.machine = ?", machineID).Error
	if err != nil {
		return inventory.Condition{}, notFound(err, "reading how %s is", machineID)
	}
	return row.condition()
}

// Conditions tells how all machines are that somebody has looked after, by name.
func (s *Store) Conditions(ctx context.Context) ([]inventory.Condition, error) {
	var rows []conditionRow
	err := s.db.WithContext(ctx).Select("conditions.*, machines.name").
		Joins("JOIN machines ON machines.id = conditions.machine").Order("machines.name").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reading how machines are: %w", err)
	}
	all := make([]inventory.Condition, 0, len(rows))
	for _, r := range rows {
		c, err := r.condition()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Tenure makes holder the only one who may do something, until a time from now: true for who has it. It has to be taken
// again before that time is over; then somebody else may. The clocks of the processes must agree to a part of it.
func (s *Store) Tenure(ctx context.Context, name, holder string, length time.Duration) (bool, error) {
	now := s.now()
	var mine bool
	err := s.quietly(ctx, func(tx *gorm.DB) error {
		done := tx.Exec(`INSERT INTO tenures (name, holder, until) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE tenures.holder = excluded.holder OR tenures.until < ?`, name, holder, micros(now.Add(length)), micros(now))
		mine = done.RowsAffected > 0
		return done.Error
	})
	if err != nil {
		return false, fmt.Errorf("asking who may do %s: %w", name, err)
	}
	return mine, nil
}
