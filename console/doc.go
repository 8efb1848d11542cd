// Package console shares the serial consoles of servers between people: one line to each server, as many watchers as
// come, one holder who types, and a recording.
//
// Desk is the way in: Join gives a Seat at a server's console. Behind it a hub keeps the server's one line open while
// somebody sits there (or always, when the configuration says so), makes it again when it is lost, and gives what comes
// to every seat and to the recording. Whoever takes the console over from its holder is told to them, and it is written
// down.
//
// The recording is bounded for each server: numbered files of timed records that hold exactly what came, oldest deleted
// first (Archive). They can be listed, searched as text and turned into asciicast, which is how they are replayed.
//
// The package knows nothing of management controllers, of HTTP or of SSH; a line is what its Dialer makes.
package console
