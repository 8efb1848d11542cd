// Package sheet reads the tables that people write and other programs export: CSV files (RFC 4180) whose first line names the
// columns.
//
// A table is wholly right or not used at all: every error is reported with its line and column, as if by a patient
// colleague who read it to the end. Tables come from outside, so lines and files are bounded. What the columns mean is
// not known here.
package sheet
