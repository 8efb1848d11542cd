-- The way to the ramdisk by virtual media: see inventory.Medium. And what became of next boots that were ordered of
-- controllers, by their models: see inventory.BootHabit.

-- +goose Up
ALTER TABLE machines ADD COLUMN medium TEXT NOT NULL DEFAULT '';
CREATE TABLE boot_habits (
  vendor   TEXT NOT NULL,
  model    TEXT NOT NULL,
  firmware TEXT NOT NULL,
  kept     BIGINT NOT NULL DEFAULT 0,
  forgot   BIGINT NOT NULL DEFAULT 0,
  streak   BIGINT NOT NULL DEFAULT 0,
  last     BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (vendor, model, firmware)
);

-- +goose Down
DROP TABLE boot_habits;
ALTER TABLE machines DROP COLUMN medium;
