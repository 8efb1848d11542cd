-- Searches that somebody gave a name.

-- +goose Up
CREATE TABLE saved_queries (
  name  TEXT NOT NULL PRIMARY KEY,
  query TEXT NOT NULL,
  actor TEXT NOT NULL,
  time  BIGINT NOT NULL
);

-- +goose Down
DROP TABLE saved_queries;
