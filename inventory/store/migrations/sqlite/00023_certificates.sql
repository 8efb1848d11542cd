-- Certificates, each chained to the one before it: none is changed or deleted.

-- +goose Up
CREATE TABLE certificates (
  number   BIGINT NOT NULL PRIMARY KEY,
  previous TEXT   NOT NULL UNIQUE,
  digest   TEXT   NOT NULL UNIQUE,
  kind     TEXT   NOT NULL,
  name     TEXT   NOT NULL,
  verdict  TEXT   NOT NULL,
  machines BIGINT NOT NULL,
  actor    TEXT   NOT NULL,
  time     BIGINT NOT NULL,
  file     TEXT   NOT NULL
);

-- +goose Down
DROP TABLE certificates;
