-- What was done in the aisle without a network, and what became of it: each act once, however often it is sent.

-- +goose Up
CREATE TABLE aisle_acts (
  id       TEXT NOT NULL PRIMARY KEY,
  machine  TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  synced   BIGINT NOT NULL,
  body     TEXT NOT NULL
);
CREATE INDEX aisle_acts_by_outcome ON aisle_acts (outcome, synced);

-- +goose Down
DROP TABLE aisle_acts;
