-- What was ordered, and how the lists of vendors become manifests and orders.

-- +goose Up
CREATE TABLE mappings (
  name  TEXT NOT NULL PRIMARY KEY,
  text  TEXT NOT NULL,
  actor TEXT NOT NULL,
  time  BIGINT NOT NULL
);
CREATE TABLE deliveries (
  number   TEXT NOT NULL PRIMARY KEY,
  vendor   TEXT NOT NULL,
  ordered  BIGINT NOT NULL,
  expected BIGINT NOT NULL,
  lines    TEXT NOT NULL,
  actor    TEXT NOT NULL,
  time     BIGINT NOT NULL
);

-- +goose Down
DROP TABLE deliveries;
DROP TABLE mappings;
