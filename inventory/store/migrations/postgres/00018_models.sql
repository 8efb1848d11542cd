-- What is in the servers of each model, with all that was ever asked for.

-- +goose Up
CREATE TABLE models (
  name    TEXT   NOT NULL,
  version BIGINT NOT NULL,
  text    TEXT   NOT NULL,
  actor   TEXT   NOT NULL,
  time    BIGINT NOT NULL,
  PRIMARY KEY (name, version)
);

-- +goose Down
DROP TABLE models;
