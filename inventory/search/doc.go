// Package search is a small language to find machines by what is known of them: `model:R650 disk.size>3TB rack:r12
// -state:active`. It is pure: a query is read and then asked of records. Which fields there are is data, see Fields.
package search
