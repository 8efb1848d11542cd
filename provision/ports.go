package provision

import (
	"context"
	"database/sql"
	"net/netip"
	"time"

	"socle/api"
	"socle/internal/secret"
	"socle/inventory"
)

// Machines keeps the machines. Change reads one, hands a copy to fn, and stores what fn made of it together
// with an event and the queued job, in one transaction; when somebody else was faster it calls fn again.
type Machines interface {
	Machine(ctx context.Context, ref string) (inventory.Machine, error)
	Roster(ctx context.Context) ([]inventory.Machine, error) // by name, without facts
	Change(ctx context.Context, id, actor string, fn func(*inventory.Machine) (inventory.Note, error)) (inventory.Machine, error)
	// Login reads how a BMC is logged in to now; ChangeLogin changes that together with the machine.
	Login(ctx context.Context, id string) (inventory.BMC, secret.Pair, error)
	ChangeLogin(ctx context.Context, id, actor string, fn func(*inventory.Machine, *secret.Pair) (inventory.Note, error)) (inventory.Machine, error)
	Recognise(ctx context.Context, seen inventory.Identity, actor string) (m inventory.Machine, created bool, err error)
	Append(ctx context.Context, e inventory.Event) error
	// Evidence reads the newest boot evidence of a machine, at most limit lines.
	Evidence(ctx context.Context, machine string, limit int) ([]inventory.Evidence, error)
}

// Orders keeps the agents' orders.
type Orders interface {
	Issue(ctx context.Context, o inventory.Order) (inventory.Order, error)
	NextOrder(ctx context.Context, session string) (inventory.Order, error)
	Report(ctx context.Context, session, order string, r inventory.OrderReport) (inventory.Order, error)
	// OrdersSince and EndedSince tell which agents are to be woken.
	OrdersSince(ctx context.Context, num int64) (sessions []string, last int64, err error)
	EndedSince(ctx context.Context, at time.Time) (sessions []string, err error)
	Orders(ctx context.Context, machine string) ([]inventory.Order, error)
}

// Sessions keeps the agents' sessions. StartSession ends the machine's older ones and marks their
// unfinished orders as lost. LiveSession returns inventory.ErrNotFound when there is none.
type Sessions interface {
	StartSession(ctx context.Context, s inventory.Session) error
	Session(ctx context.Context, id string) (inventory.Session, error)
	TouchSession(ctx context.Context, id string, at time.Time) error
	EndSession(ctx context.Context, id string) error
	LiveSession(ctx context.Context, machine string) (inventory.Session, error)
}

// Boots keeps what was tried to boot a machine, by its network cards.
type Boots interface {
	NetBoot(ctx context.Context, macs []string) (inventory.NetBoot, error)
	ForgetTries(ctx context.Context, macs []string, spoken bool) error
	Evidence(ctx context.Context, machineIDorMAC string, limit int) ([]inventory.Evidence, error)
}

// Tokens makes and checks tokens; only their hashes are kept.
type Tokens interface {
	NewToken(ctx context.Context, spec inventory.TokenSpec) (secret.Secret, error)
	Token(ctx context.Context, kind, text string) (inventory.Token, error)
	UseToken(ctx context.Context, kind, text, by string) (inventory.Token, error)
	SpendToken(ctx context.Context, spec inventory.TokenSpec, text, by string) (inventory.Token, error)
	RevokeTokens(ctx context.Context, kind, machine string) error
}

// Store is all that is kept, in one database with the jobs.
type Store interface {
	Machines
	Orders
	BMCOrders
	Sessions
	Tokens
	Boots
	Habits
	Campaigns
	Results
	Database
}

// Database is the connection that River shares with the inventory.
type Database interface {
	SQL() *sql.DB
	Dialect() string
	Subscribe() (changes <-chan struct{}, cancel func())
	SetEnqueue(fn func(ctx context.Context, tx *sql.Tx, machineID string) error)
}

// View answers from memory who a machine is. It says false when the store is to be asked instead: when the machine
// is new in any way, or when what it knows may be over.
type View interface {
	Recognise(seen inventory.Identity) (inventory.Sketch, bool)
}

// BMC drives the power of a machine. Its errors are *Failure, so that a wrong password is told apart from
// silence.
type BMC interface {
	Probe(ctx context.Context, m inventory.Machine) (BMCInfo, error)
	Power(ctx context.Context, m inventory.Machine) (inventory.Power, error)
	SetPower(ctx context.Context, m inventory.Machine, action string) (inventory.Power, error)
	NextBoot(ctx context.Context, m inventory.Machine, next NextBoot) error
}

// NextBoot is what a machine shall boot next.
type NextBoot struct {
	Boot   inventory.Boot
	Medium bool // from the virtual drive
	Always bool // and every boot from then on
}

// Drives are the virtual drives of machines' BMCs. Its errors are *Failure.
type Drives interface {
	// Insert puts an image into the machine's drive, and has read back that it is there.
	Insert(ctx context.Context, m inventory.Machine, image string) error
	// Eject takes out what is ours, and has read back that it is out.
	Eject(ctx context.Context, m inventory.Machine, ours func(image string) bool) error
}

// Media keeps boot media where BMCs can fetch them.
type Media interface {
	// Make makes the medium with these kernel parameters for a machine, in place of an older one, and returns its URL: a
	// secret, since whoever knows it gets what is on the medium. Its errors are *Failure.
	Make(ctx context.Context, m inventory.Machine, params []string) (url string, err error)
	// Remove ends that the machine's medium can be fetched.
	Remove(m inventory.Machine) error
	// Ours tells whether a BMC means one of our media by what it tells of an image.
	Ours(image string) bool
}

// BMCInfo is what a controller says of itself and of its server.
type BMCInfo struct {
	Vendor, Model, Serial, UUID, Firmware, MAC string
}

// keep notes in m what its BMC said of itself.
func (i BMCInfo) keep(m *inventory.Machine, now time.Time) {
	m.BMC.Seen, m.BMC.Vendor, m.BMC.Model, m.BMC.Firmware = now, i.Vendor, i.Model, i.Firmware
}

// Images answers whether an image is there and how large it is once written.
type Images interface {
	Resolve(nameOrDigest string) (digest string, ix api.Index, err error)
}

// Seeds renders what the deployed system reads at its first boot.
type Seeds interface {
	Seed(ctx context.Context, m inventory.Machine, role inventory.Role, phoneHomeToken secret.Secret) (map[string]string, error)
}

// Verifier looks at a deployed role from outside.
type Verifier interface {
	Verify(ctx context.Context, v Verification) (evidence []string, err error)
}

// Verification is one role to be looked at.
type Verification struct {
	Name    string
	Address netip.Addr
	Role    inventory.Role
	Data    []inventory.Data
	// Reboot takes the power away and gives it back, once for this deployment however often it is called.
	Reboot func(ctx context.Context) error
	// Progress tells people what is being looked at.
	Progress func(text string)
}
