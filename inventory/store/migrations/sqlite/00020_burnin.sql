-- What tests measured.

-- +goose Up
CREATE TABLE measurements (
  machine TEXT NOT NULL REFERENCES machines (id),
  metric  TEXT NOT NULL,
  run     TEXT NOT NULL,
  subject TEXT NOT NULL,
  part    TEXT NOT NULL,
  time    BIGINT NOT NULL,
  value   DOUBLE PRECISION NOT NULL,
  unit    TEXT NOT NULL,
  lower   BOOLEAN NOT NULL,
  newest  BOOLEAN NOT NULL,
  PRIMARY KEY (machine, metric, run, subject)
);
CREATE INDEX measurements_newest ON measurements (metric, machine) WHERE newest;

-- +goose Down
DROP TABLE measurements;
