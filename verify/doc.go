// Package verify looks at a deployed server from outside and says whether its role works: it starts a guest
// on a hypervisor and reads the guest's console, it stores an object on a storage node and reads it back
// after a reboot. What it saw becomes the evidence of the deployment.
//
// It uses the protocols that the role's own users use (libvirt's over TLS, Swift's HTTP), and trusts nothing
// that the server says of itself when a deed can show it.
package verify
