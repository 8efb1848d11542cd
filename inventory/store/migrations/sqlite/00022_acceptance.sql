-- What machines of a model have to be like, with all that was ever asked for, and what people let pass.

-- +goose Up
CREATE TABLE criteria (
  name    TEXT   NOT NULL,
  version BIGINT NOT NULL,
  text    TEXT   NOT NULL,
  actor   TEXT   NOT NULL,
  time    BIGINT NOT NULL,
  PRIMARY KEY (name, version)
);

CREATE TABLE waivers (
  id           TEXT   NOT NULL PRIMARY KEY,
  machine      TEXT   NOT NULL,
  name         TEXT   NOT NULL,
  finding      TEXT   NOT NULL,
  reason       TEXT   NOT NULL,
  actor        TEXT   NOT NULL,
  time         BIGINT NOT NULL,
  until        BIGINT NOT NULL,
  withdrawn_by TEXT   NOT NULL,
  withdrawn_at BIGINT NOT NULL
);
CREATE INDEX waivers_machine ON waivers (machine);

-- +goose Down
DROP TABLE waivers;
DROP TABLE criteria;
