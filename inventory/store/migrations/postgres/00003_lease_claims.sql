-- Several servers give out the addresses of one database. Each change of leases takes the next number of the
-- clock, whose row lock also puts the transactions in line; so whoever has read up to a number has missed
-- nothing below it.

-- +goose Up
ALTER TABLE leases ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN server TEXT NOT NULL DEFAULT '';
CREATE INDEX leases_seq ON leases (seq);
CREATE TABLE lease_clock (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq BIGINT NOT NULL
);
INSERT INTO lease_clock (one, seq) VALUES (1, 0);

-- +goose Down
DROP TABLE lease_clock;
DROP INDEX leases_seq;
ALTER TABLE leases DROP COLUMN server;
ALTER TABLE leases DROP COLUMN seq;
