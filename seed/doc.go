// Package seed makes the cloud-init seed (NoCloud data source) of a deployed server: who it is, how it
// reaches the network, whom it trusts, where it phones home and what its role needs to know.
//
// A seed is data. It is written by a YAML marshaller from checked values, it holds no scripts, and what runs
// on the server is in the image (package images/recipe). A hostile name from a manifest or from facts
// therefore never reaches a shell or a template.
package seed
