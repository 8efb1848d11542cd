// Package app is the composition root: the only place that knows everybody. It turns a configuration into
// parts that fit together and runs them until the context ends. It decides nothing about machines.
package app
