// Package disk changes disks: it writes images, empties disks and partitions them, puts cloud-init seeds on
// them and makes the firmware boot them.
//
// Everything here destroys something, so a disk is named by its serial number only, is opened exclusively (a
// disk that the ramdisk uses is refused), and is looked at first: what is already as it should be is not
// written again, which makes every operation safe to repeat after a crash at any point.
package disk
