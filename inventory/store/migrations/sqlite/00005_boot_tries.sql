-- How often each way to boot was tried by a network card since an agent last came from it; came is set for the way
-- by which that one came.

-- +goose Up
CREATE TABLE boot_tries (
  mac   TEXT NOT NULL,
  path  TEXT NOT NULL,
  count BIGINT NOT NULL DEFAULT 0,
  last  BIGINT NOT NULL DEFAULT 0,
  came  BOOLEAN NOT NULL DEFAULT FALSE,
  PRIMARY KEY (mac, path)
);
CREATE INDEX boot_tries_last ON boot_tries (last);

-- +goose Down
DROP TABLE boot_tries;
