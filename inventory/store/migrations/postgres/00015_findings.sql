-- What was ordered, and what was found to be otherwise than it should be, by who looked.

-- +goose Up
ALTER TABLE machines ADD COLUMN model TEXT NOT NULL DEFAULT '';
ALTER TABLE machines ADD COLUMN delivery TEXT NOT NULL DEFAULT '';
CREATE TABLE findings (
  machine TEXT NOT NULL REFERENCES machines (id),
  source  TEXT NOT NULL,
  time    BIGINT NOT NULL,
  body    TEXT NOT NULL,
  PRIMARY KEY (machine, source)
);

-- +goose Down
DROP TABLE findings;
ALTER TABLE machines DROP COLUMN delivery;
ALTER TABLE machines DROP COLUMN model;
