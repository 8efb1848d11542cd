// Package provision is the brain: it moves machines along their road. People's verbs and agents' reports
// come in, orders to agents and power changes go out, and in between one job a machine looks where the
// machine stands and does the next thing.
//
// Every step converges. It looks first, acts only if needed, and may be run again after a crash at any
// point: the intent is written before a power change or a write order, the outcome after.
//
// It is the only importer of River, and knows neither gorm nor echo nor bmclib: what it needs of them it
// declares here as small interfaces, and internal/app hands it the implementations.
package provision
