// Package compare puts beside each other what was ordered, what a person racked and what was detected, of a server and of each
// of its parts. It is pure: what is known goes in, rows come out. What is wrong with parts is judged by inventory/bom, and where a
// server stands by inventory/cabling; here are the words for both, and the order.
package compare
