// Package store keeps the inventory in a database: SQLite in a file (pure Go, write-ahead log, synced at
// every commit) or PostgreSQL. Both behave the same, which one suite of tests run on both proves.
//
// A change of a machine is one transaction: compare-and-swap on the machine's version, one event in the
// append-only history, and the work that follows from it (see SetEnqueue), or none of the three. The
// package is the only one that knows gorm or SQL; what it takes and returns are the types of package
// inventory. Secrets are stored hashed (tokens) or sealed (BMC passwords), never as they are.
package store
