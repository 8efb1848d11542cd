-- How servers are to be cabled.

-- +goose Up
CREATE TABLE cables (
  server      TEXT NOT NULL,
  port_key    TEXT NOT NULL,
  port        TEXT NOT NULL,
  switch      TEXT NOT NULL,
  switch_port TEXT NOT NULL,
  link_group  TEXT NOT NULL,
  label       TEXT NOT NULL,
  colour      TEXT NOT NULL,
  length      TEXT NOT NULL,
  PRIMARY KEY (server, port_key)
);

-- +goose Down
DROP TABLE cables;
