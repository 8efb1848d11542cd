package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"socle/inventory"
)

type campaignRow struct {
	ID    string `gorm:"primaryKey"`
	Began int64
	Open  int
	Body  string
}

// TableName implements gorm's Tabler.
func (campaignRow) TableName() string { return "campaigns" }

type updateRow struct {
	Campaign string `gorm:"primaryKey"`
	Place    int    `gorm:"primaryKey;autoIncrement:false"`
	Machine  string
	Body     string
}

// TableName implements gorm's Tabler.
func (updateRow) TableName() string { return "campaign_updates" }

// rowsOf makes the rows of a campaign.
func rowsOf(c inventory.Campaign) (campaignRow, []updateRow, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return campaignRow{}, nil, err
	}
	row := campaignRow{ID: c.ID, Began: micros(c.Began), Body: clean(string(body))}
	if c.Open() {
		row.Open = 1
	}
	var updates []updateRow
	for i, u := range c.Updates {
		if body, err = json.Marshal(u); err != nil {
			return campaignRow{}, nil, err
		}
		updates = append(updates, updateRow{Campaign: c.ID, Place: i, Machine: u.Machine, Body: clean(string(body))})
	}
	return row, updates, nil
}

func (r campaignRow) campaign(updates []updateRow) (inventory.Campaign, error) {
	var c inventory.Campaign
	if err := json.Unmarshal([]byte(r.Body), &c); err != nil {
		return c, fmt.Errorf("decoding campaign %s: %w", r.ID, err)
	}
	c.ID = r.ID
	for _, row := range updates {
		u := inventory.Update{}
		if err := json.Unmarshal([]byte(row.Body), &u); err != nil {
			return c, fmt.Errorf("decoding campaign %s, machine %s: %w", r.ID, row.Machine, err)
		}
		u.Machine = row.Machine
		c.Updates = append(c.Updates, u)
	}
	return c, nil
}

// ErrCampaign means that another campaign is not over yet.
var ErrCampaign = inventory.ErrCampaign

// StartCampaign stores a new campaign, with the event; ErrCampaign when another one is open.
func (s *Store) StartCampaign(ctx context.Context, c inventory.Campaign, e inventory.Event) (inventory.Campaign, error) {
	c.ID = uuid.NewString()
	row, updates, err := rowsOf(c)
	if err != nil {
		return c, fmt.Errorf("encoding a campaign: %w", err)
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; errors.Is(err, gorm.ErrDuplicatedKey) {
			return ErrCampaign
		} else if err != nil {
			return err
		}
		if err := tx.CreateInBatches(&updates, 200).Error; err != nil {
			return err
		}
		return s.append(tx, e)
	})
	if err != nil {
		return c, fmt.Errorf("storing a campaign: %w", err)
	}
	return c, nil
}

// Campaign reads a campaign with its machines; "" is the newest one. ErrNotFound when there is none.
func (s *Store) Campaign(ctx context.Context, id string) (inventory.Campaign, error) {
	return readCampaign(s.db.WithContext(ctx), id)
}

func readCampaign(tx *gorm.DB, id string) (inventory.Campaign, error) {
	q := tx.Session(&gorm.Session{})
	if id != "" {
		q = q.Where("id = ?", clean(id))
	}
	var row campaignRow
	if err := q.Order("began DESC, id").Take(&row).Error; err != nil {
		return inventory.Campaign{}, notFound(err, "reading campaign %q", id)
	}
	var updates []updateRow
	if err := tx.Session(&gorm.Session{NewDB: true}).Where("campaign = ?", row.ID).Order("place").Find(&updates).Error; err != nil {
		return inventory.Campaign{}, fmt.Errorf("reading campaign %q: %w", row.ID, err)
	}
	return row.campaign(updates)
}

// campaignsKept bounds how many are listed.
const campaignsKept = 200

// Campaigns lists campaigns without their machines, the newest first.
func (s *Store) Campaigns(ctx context.Context) ([]inventory.Campaign, error) {
	var rows []campaignRow
	if err := s.db.WithContext(ctx).Order("began DESC, id").Limit(campaignsKept).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reading the campaigns: %w", err)
	}
	all := make([]inventory.Campaign, 0, len(rows))
	for _, r := range rows {
		c, err := r.campaign(nil)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// ChangeCampaign changes a campaign and its machines, with the events that fn returns. Changes of one campaign come one
// after the other; fn may be called again and must do nothing else. When it fails, nothing happens.
func (s *Store) ChangeCampaign(ctx context.Context, id string, fn func(*inventory.Campaign) ([]inventory.Event, error)) (inventory.Campaign, error) {
	var c inventory.Campaign
	var own error
	changed := false
	id = clean(id)
	err := s.quietly(ctx, func(tx *gorm.DB) (err error) {
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Take(&campaignRow{}, "id = ?", id).Error; err != nil {
			return notFound(err, "reading campaign %q", id)
		}
		if c, err = readCampaign(tx, id); err != nil {
			return err
		}
		rowBefore, before, err := rowsOf(c)
		if err != nil {
			return err
		}
		events, err := fn(&c)
		if own = err; err != nil {
			return err
		}
		row, after, err := rowsOf(c)
		if err != nil {
			return err
		}
		if row != rowBefore {
			changed = true
			if err := tx.Save(&row).Error; err != nil {
				return err
			}
		}
		for i := range after {
			if after[i] == before[i] {
				continue
			}
			changed = true
			err := tx.Model(&updateRow{}).Where("campaign = ? AND place = ?", id, i).Update("body", after[i].Body).Error
			if err != nil {
				return err
			}
		}
		changed = changed || len(events) > 0
		return s.append(tx, events...)
	})
	switch {
	case own != nil:
		return c, own
	case err != nil:
		return c, fmt.Errorf("changing campaign %q: %w", id, err)
	case changed:
		s.notify()
	}
	return c, nil
}
