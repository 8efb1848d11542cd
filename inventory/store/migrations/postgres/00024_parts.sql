-- Which part sat where, when: one row for each stay of a part with a serial number in a slot of a machine.

-- +goose Up
CREATE TABLE part_stays (
  machine     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  slot        TEXT NOT NULL,
  serial      TEXT NOT NULL,
  first_seen  BIGINT NOT NULL,
  last_seen   BIGINT NOT NULL,
  gone        BIGINT NOT NULL,
  number      TEXT NOT NULL,
  vendor      TEXT NOT NULL,
  size        BIGINT NOT NULL,
  PRIMARY KEY (machine, kind, slot, serial, first_seen)
);
CREATE INDEX part_stays_by_serial ON part_stays (serial, first_seen);

-- +goose Down
DROP TABLE part_stays;
