// Package paper makes what is printed: documents with headings, facts, tables and QR codes in one house style, and labels on
// sheets and rolls, as PDF or in the language of label printers.
//
// The same content with the same date gives the same bytes. The package knows nothing of machines: callers bring texts.
// Texts are set in the Go fonts, which have Latin, Greek and Cyrillic letters; what they lack is printed as U+FFFD's
// stand-in, a question mark.
package paper
