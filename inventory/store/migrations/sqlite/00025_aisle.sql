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

-- The keys with which the installation signs: the newest signs, the public halves of all are known for ever.
CREATE TABLE signing_keys (
  public  TEXT NOT NULL PRIMARY KEY,
  sealed  BLOB NOT NULL,
  created BIGINT NOT NULL
);

-- +goose Down
DROP TABLE signing_keys;
DROP TABLE aisle_acts;
