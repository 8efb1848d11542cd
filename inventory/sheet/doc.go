// Package sheet reads what comes as a table: a CSV file (RFC 4180) or a sheet of a workbook, whose rows say what the
// columns of a header name. Which columns there are is the reader's business; how a file of somebody else's shape becomes
// those columns is that of a Mapping. What is for the spreadsheets of people is written here, too.
//
// A table comes from outside, so lines, rows and files are bounded. It is wholly right or not used at all: every error is
// collected with its place in the file, as if by a patient colleague who read it to the end.
package sheet
