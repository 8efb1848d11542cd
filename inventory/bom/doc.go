// Package bom compares the parts that are in a server with those of its model: what is missing, what is too many, what is
// another part or sits in another slot. It is pure: facts and a profile go in, findings come out.
package bom
