// Package bmc speaks to the management controllers of servers: who is there, is the server on, switch it,
// choose its next boot; how is it, what has happened to it, which one is it in its rack.
//
// Driver is the whole of it. What reads is done by the pure-Go protocol libraries (go-ipmi and gofish), because
// they tell a refused login from silence and obey a context; what writes is done by bmclib, which knows the
// quirks of the vendors: its provider for Redfish, and its provider that runs ipmitool for IPMI. What it has no verb
// for, or one that starts a program for a single packet (light, restart, NMI, clearing a log), goes through the protocol
// libraries too. Policy is
// laid around both as guards, small types, one a file, that every verb passes: errors that say what was tried,
// what happened and what to do (explain), a deadline that really ends the call (deadline), peace for who does not
// answer (breaker), one session at a time for each controller (turns), a bound on the number of calls (budget),
// and no login that could lock an account (logins). Inside of them is looking before acting and reading back
// after writing (direct).
//
// Passwords: ipmitool gets its password in the environment (-E), never in its arguments; it is visible there
// to root and to the server's own user only. bmclib prints all HTTP traffic when DEBUG_BMCLIB is "true", so
// that nothing is written over Redfish while it is.
//
// Certificates: controllers come with a certificate that they have signed themselves. Which one a controller may show,
// and what happens when it shows its first one, comes with the target (Trust); a certificate of one of the authorities
// in Options.Roots needs neither. It is decided in the handshake, before a password is sent.
//
// The package knows addresses and passwords only for the length of a call, and nothing of databases.
package bmc
