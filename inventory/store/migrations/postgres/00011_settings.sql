-- Settings of firmware that wait for a boot: see inventory.Tuning. Destructive orders to BMCs, each of which is carried
-- out once: see inventory.BMCOrder.

-- +goose Up
ALTER TABLE machines ADD COLUMN tuning TEXT NOT NULL DEFAULT '';

CREATE TABLE bmc_orders (
  id        TEXT PRIMARY KEY,
  machine   TEXT NOT NULL REFERENCES machines (id),
  kind      TEXT NOT NULL,
  serial    TEXT NOT NULL,
  target    TEXT NOT NULL,
  actor     TEXT NOT NULL,
  state     TEXT NOT NULL,
  job       TEXT NOT NULL DEFAULT '',
  message   TEXT NOT NULL DEFAULT '',
  issued_at BIGINT NOT NULL,
  ended_at  BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX bmc_orders_machine ON bmc_orders (machine, issued_at);

-- +goose Down
DROP TABLE bmc_orders;
ALTER TABLE machines DROP COLUMN tuning;
