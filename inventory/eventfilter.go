package inventory

// EventFilter chooses events of the history; a zero value asks for the oldest events of everything.
type EventFilter struct {
	Machine string // ID of a machine; empty: events of all machines and of the system
	After   int64  // only events whose Seq is greater
	Limit   int    // at most this many; 0: the implementation's own limit
	Latest  bool   // the newest Limit ones instead of the oldest; they come in ascending order all the same
}
