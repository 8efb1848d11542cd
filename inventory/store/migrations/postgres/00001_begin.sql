-- Times are microseconds since 1970 (UTC), 0 for none; structures are JSON text: both engines then store,
-- compare and return exactly the same.

-- +goose Up
CREATE TABLE machines (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  version    BIGINT NOT NULL,
  state      TEXT NOT NULL,
  since      BIGINT NOT NULL DEFAULT 0,
  target     TEXT NOT NULL DEFAULT '',
  deadline   BIGINT NOT NULL DEFAULT 0,
  step       TEXT NOT NULL DEFAULT '',
  fault      TEXT NOT NULL DEFAULT '',
  hold       TEXT NOT NULL DEFAULT '',
  intent     TEXT NOT NULL DEFAULT '',
  boot       TEXT NOT NULL DEFAULT '',
  power      TEXT NOT NULL DEFAULT '',
  power_at   BIGINT NOT NULL DEFAULT 0,
  serial_key TEXT NOT NULL DEFAULT '',
  uuid_key   TEXT NOT NULL DEFAULT '',
  identity   TEXT NOT NULL DEFAULT '',
  place      TEXT NOT NULL DEFAULT '',
  bmc        TEXT NOT NULL DEFAULT '',
  address    TEXT NOT NULL DEFAULT '',
  role       TEXT NOT NULL DEFAULT '',
  deployed   TEXT NOT NULL DEFAULT '',
  op         TEXT NOT NULL DEFAULT '',
  in_plan    BOOLEAN NOT NULL DEFAULT FALSE,
  facts      TEXT NOT NULL DEFAULT '',
  facts_at   BIGINT NOT NULL DEFAULT 0,
  seen_at    BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX machines_serial ON machines (serial_key);
CREATE INDEX machines_uuid ON machines (uuid_key);
CREATE INDEX machines_state ON machines (state);

-- Who carries which address of a network card ('nic') or management controller ('bmc').
CREATE TABLE machine_macs (
  mac        TEXT NOT NULL,
  machine_id TEXT NOT NULL REFERENCES machines (id),
  kind       TEXT NOT NULL,
  PRIMARY KEY (mac, machine_id, kind)
);
CREATE INDEX machine_macs_machine ON machine_macs (machine_id);

-- Passwords of BMCs, sealed with a key that is not in this database.
CREATE TABLE bmc_passwords (
  machine_id TEXT PRIMARY KEY REFERENCES machines (id),
  sealed     BYTEA NOT NULL
);

CREATE TABLE events (
  seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time    BIGINT NOT NULL,
  machine TEXT NOT NULL DEFAULT '',
  name    TEXT NOT NULL DEFAULT '',
  actor   TEXT NOT NULL DEFAULT '',
  kind    TEXT NOT NULL DEFAULT '',
  reason  TEXT NOT NULL DEFAULT '',
  before  TEXT NOT NULL DEFAULT '',
  after   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX events_machine ON events (machine, seq);
-- +goose StatementBegin
CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history is append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION events_append_only();

CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE,
  machine    TEXT NOT NULL DEFAULT '',
  subject    TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  expires    BIGINT NOT NULL DEFAULT 0,
  used_by    TEXT NOT NULL DEFAULT '',
  used_at    BIGINT NOT NULL DEFAULT 0,
  revoked_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_machine ON tokens (machine, kind);
CREATE INDEX tokens_expires ON tokens (expires);

CREATE TABLE sessions (
  id         TEXT PRIMARY KEY,
  machine    TEXT NOT NULL REFERENCES machines (id),
  boot_id    TEXT NOT NULL DEFAULT '',
  started_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  ended_at   BIGINT NOT NULL DEFAULT 0
);
-- A machine runs one agent at a time.
CREATE UNIQUE INDEX sessions_live ON sessions (machine) WHERE ended_at = 0;

CREATE TABLE orders (
  num       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,
  machine   TEXT NOT NULL REFERENCES machines (id),
  session   TEXT NOT NULL REFERENCES sessions (id),
  kind      TEXT NOT NULL,
  serial    TEXT NOT NULL DEFAULT '',
  params    TEXT NOT NULL DEFAULT '',
  state     TEXT NOT NULL,
  seq       BIGINT NOT NULL DEFAULT 0,
  done      BIGINT NOT NULL DEFAULT 0,
  total     BIGINT NOT NULL DEFAULT 0,
  wire      BIGINT NOT NULL DEFAULT 0,
  code      TEXT NOT NULL DEFAULT '',
  message   TEXT NOT NULL DEFAULT '',
  result    TEXT NOT NULL DEFAULT '',
  issued_at BIGINT NOT NULL,
  taken_at  BIGINT NOT NULL DEFAULT 0,
  ended_at  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX orders_machine ON orders (machine, num);
CREATE INDEX orders_session ON orders (session, num);

CREATE TABLE leases (
  addr      TEXT PRIMARY KEY,
  mac       TEXT NOT NULL DEFAULT '',
  client_id TEXT NOT NULL DEFAULT '',
  hostname  TEXT NOT NULL DEFAULT '',
  subnet    TEXT NOT NULL DEFAULT '',
  machine   TEXT NOT NULL DEFAULT '',
  starts    BIGINT NOT NULL DEFAULT 0,
  expires   BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE evidence (
  num     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time    BIGINT NOT NULL,
  mac     TEXT NOT NULL DEFAULT '',
  machine TEXT NOT NULL DEFAULT '',
  source  TEXT NOT NULL DEFAULT '',
  asked   TEXT NOT NULL DEFAULT '',
  reply   TEXT NOT NULL DEFAULT '',
  bytes   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX evidence_mac ON evidence (mac, num);
CREATE INDEX evidence_machine ON evidence (machine, num);

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
