// Package boot brings a server from the kernel's first process to a running agent: file systems, modules,
// console and network, and takes it down again. It is the only part of the agent that knows that it is
// process 1 of a ramdisk, and it knows nothing of the agent's protocol.
package boot
