-- How servers are: what was seen last, a bounded past, alarms that are open, lights that are on; and who may do what only
-- one process may.

-- +goose Up
CREATE TABLE conditions (
  machine   TEXT PRIMARY KEY REFERENCES machines (id),
  time      BIGINT NOT NULL DEFAULT 0,
  health    TEXT NOT NULL DEFAULT '',
  power     TEXT NOT NULL DEFAULT '',
  locator   TEXT NOT NULL DEFAULT '',
  watts     DOUBLE PRECISION,
  sensors   TEXT NOT NULL DEFAULT '',
  notes     TEXT NOT NULL DEFAULT '',
  mark_id   TEXT NOT NULL DEFAULT '',
  mark_time BIGINT NOT NULL DEFAULT 0,
  failure   TEXT NOT NULL DEFAULT '',
  failures  BIGINT NOT NULL DEFAULT 0,
  since     BIGINT NOT NULL DEFAULT 0
);

-- A ring of places for each machine and step (microseconds): the place of a time is its number of steps, modulo how many
-- are kept.
CREATE TABLE samples (
  machine TEXT NOT NULL,
  step    BIGINT NOT NULL,
  place   BIGINT NOT NULL,
  time    BIGINT NOT NULL,
  looks   BIGINT NOT NULL,
  watts   DOUBLE PRECISION,
  inlet   DOUBLE PRECISION,
  hottest DOUBLE PRECISION,
  fan     DOUBLE PRECISION,
  health  TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (machine, step, place)
);

CREATE TABLE alarms (
  machine TEXT NOT NULL REFERENCES machines (id),
  what    TEXT NOT NULL,
  health  TEXT NOT NULL,
  text    TEXT NOT NULL,
  since   BIGINT NOT NULL,
  calm    BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (machine, what)
);

CREATE TABLE lights (
  machine TEXT PRIMARY KEY REFERENCES machines (id),
  actor   TEXT NOT NULL,
  since   BIGINT NOT NULL,
  until   BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE tenures (
  name   TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until  BIGINT NOT NULL
);

-- +goose Down
DROP TABLE tenures;
DROP TABLE lights;
DROP TABLE alarms;
DROP TABLE samples;
DROP TABLE conditions;
