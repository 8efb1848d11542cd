-- Which machines' BMCs have told by themselves that something happened: whoever looks after servers looks at these first.

-- +goose Up
CREATE TABLE hints (
  machine TEXT PRIMARY KEY REFERENCES machines (id),
  time    BIGINT NOT NULL
);

-- +goose Down
DROP TABLE hints;
