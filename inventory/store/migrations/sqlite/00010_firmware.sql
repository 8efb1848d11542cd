-- What firmware machines are to run, with all that was ever asked for, and the campaigns that bring them there.

-- +goose Up
CREATE TABLE baselines (
  name    TEXT   NOT NULL,
  version BIGINT NOT NULL,
  text    TEXT   NOT NULL,
  actor   TEXT   NOT NULL,
  time    BIGINT NOT NULL,
  PRIMARY KEY (name, version)
);

CREATE TABLE campaigns (
  id    TEXT   PRIMARY KEY,
  began BIGINT NOT NULL,
  open  BIGINT NOT NULL,
  body  TEXT   NOT NULL
);
-- One at a time: two could update one machine.
CREATE UNIQUE INDEX campaigns_open ON campaigns (open) WHERE open = 1;

CREATE TABLE campaign_updates (
  campaign TEXT   NOT NULL REFERENCES campaigns (id),
  place    BIGINT NOT NULL,
  machine  TEXT   NOT NULL REFERENCES machines (id),
  body     TEXT   NOT NULL,
  PRIMARY KEY (campaign, place),
  UNIQUE (campaign, machine)
);

-- +goose Down
DROP TABLE campaign_updates;
DROP TABLE campaigns;
DROP TABLE baselines;
