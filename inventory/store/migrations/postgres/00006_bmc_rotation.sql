-- While the login of a BMC is changed, two passwords of it are known: see inventory.Rotation.

-- +goose Up
ALTER TABLE bmc_passwords ADD COLUMN other BYTEA;

-- +goose Down
ALTER TABLE bmc_passwords DROP COLUMN other;
