-- Racks, and what stands in them besides servers; when a person put a server into its rack.

-- +goose Up
CREATE TABLE fixtures (
  name_key TEXT PRIMARY KEY,
  body     TEXT NOT NULL
);
CREATE TABLE rackings (
  machine TEXT PRIMARY KEY REFERENCES machines (id),
  place   TEXT NOT NULL,
  actor   TEXT NOT NULL,
  time    BIGINT NOT NULL
);

-- +goose Down
DROP TABLE rackings;
DROP TABLE fixtures;
