// Package api is the wire: the request and response types of the REST API and of the agent protocol, their
// paths and error codes, and the Go client that the CLI, the agent and the lab use. It imports the standard
// library and package hardware, so that the ramdisk stays small.
package api
