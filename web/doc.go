// Package web is the front door: the REST API with its OpenAPI description, the endpoints of the agent, and
// the pages of the dashboard with their live events. It is the only importer of echo and huma.
//
// It decides who may call what, bounds what comes in, turns the domain's types into the wire's and errors
// into problems (RFC 9457), and decides nothing else: what a verb does is behind the small interfaces of
// needs.go, which the composition root fills.
//
// An error that is an *api.Problem is sent as it is, and package inventory's sentinels have their status. Every other one is logged once, with a request id, and
// answered as a 500 that names the id and no internals.
package web
