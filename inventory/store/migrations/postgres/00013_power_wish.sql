-- How the power of a machine is wanted: see inventory.PowerWish.

-- +goose Up
ALTER TABLE machines ADD COLUMN wish TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE machines DROP COLUMN wish;
