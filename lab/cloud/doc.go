// Package cloud is the lab's cloud controller: a Swift proxy with its own users, in the network of the
// virtual rack. It stands for the operator's cloud, to which Socle delivers storage nodes, and is what an
// object is stored and read back through when a node is verified.
//
// It runs from the directory that the recipe "controller" makes: changed root, read-only, with mount and
// process namespaces of its own, so that killing one process leaves neither process nor mount behind. All its
// state is in one directory.
package cloud
