package inventory

// Planned is one server of a delivery manifest, checked and normalized. The BMC's password travels beside
// it, never inside.
type Planned struct {
	Line     int // of the manifest, for messages
	Name     string
	Identity Identity
	Place    Place
	BMC      BMC
	Role     string // empty: matched by rules
	Model    string // what was ordered; empty: not said
	Delivery string // empty: not said
}
