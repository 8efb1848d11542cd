package redfish

import (
	"crypto/subtle"
	"slices"
	"strconv"
	"time"

	"socle/internal/secret"
)

// accounts are those of one controller and the rules they are under.
type accounts struct {
	list    []*account
	next    int
	policy  Policy
	factory account // the first, as it was made
}

// account is one user. A place that is not filled has no name.
type account struct {
	id         string
	name       string
	password   secret.Secret
	role       string
	enabled    bool
	mustChange bool

	wrong    int       // logins since the last right one
	wrongAt  time.Time // of the last of them
	locked   bool
	lockedAt time.Time
}

// Roles that are there from the start (DSP8011).
const (
	roleAdministrator = "Administrator"
	roleOperator      = "Operator"
	roleReadOnly      = "ReadOnly"
)

func roles() []string { return []string{roleAdministrator, roleOperator, roleReadOnly} }

// privileges are those of a role.
func privileges(role string) []string {
	switch role {
	case roleAdministrator:
		return []string{"Login", "ConfigureManager", "ConfigureUsers", "ConfigureComponents", "ConfigureSelf"}
	case roleOperator:
		return []string{"Login", "ConfigureComponents", "ConfigureSelf"}
	case roleReadOnly:
		return []string{"Login", "ConfigureSelf"}
	}
	return nil
}

func newAccounts(s *Shape, user string, password secret.Secret, mustChange bool) accounts {
	a := accounts{policy: s.Policy, next: s.FirstAccount, factory: account{name: user, password: password, role: roleAdministrator, enabled: true, mustChange: mustChange}}
	a.reset(s)
	return a
}

// reset brings back the accounts of the factory.
func (a *accounts) reset(s *Shape) {
	first := a.factory
	first.id = strconv.Itoa(s.FirstAccount)
	a.list, a.next, a.policy = []*account{&first}, s.FirstAccount+1, s.Policy
	if s.Quirks.AccountSlots > 0 {
		a.list = nil
		for i := 1; i <= s.Quirks.AccountSlots; i++ {
			slot := &account{id: strconv.Itoa(i), role: "None"}
			if slot.id == first.id {
				slot = &first
			}
			a.list = append(a.list, slot)
		}
	}
}

func (a *accounts) byID(id string) *account {
	if i := slices.IndexFunc(a.list, func(x *account) bool { return x.id == id }); i >= 0 {
		return a.list[i]
	}
	return nil
}

func (a *accounts) byName(name string) *account {
	if i := slices.IndexFunc(a.list, func(x *account) bool { return x.name == name && name != "" }); i >= 0 {
		return a.list[i]
	}
	return nil
}

// check compares a login without telling by its time how much of it was right, and counts the wrong ones.
func (a *accounts) check(user, password string, now time.Time) (*account, bool) {
	x := a.byName(user)
	if x == nil {
		return nil, false
	}
	x.unlock(a.policy, now)
	right := subtle.ConstantTimeCompare([]byte(password), []byte(x.password.Reveal())) == 1
	switch {
	case x.locked || !x.enabled:
		return nil, false
	case right:
		x.wrong = 0
		return x, true
	}
	if a.policy.ResetAfter > 0 && now.Sub(x.wrongAt) > a.policy.ResetAfter {
		x.wrong = 0
	}
	x.wrong, x.wrongAt = x.wrong+1, now
	if a.policy.LockThreshold > 0 && x.wrong >= a.policy.LockThreshold {
		x.lock(now)
	}
	return nil, false
}

func (x *account) lock(now time.Time) { x.locked, x.lockedAt = true, now }

// unlock ends a lock whose time is over.
func (x *account) unlock(p Policy, now time.Time) {
	if x.locked && p.LockFor > 0 && now.Sub(x.lockedAt) >= p.LockFor {
		x.locked, x.wrong = false, 0
	}
}

// Account is what a test may know of an account.
type Account struct {
	ID, User, Role  string
	Password        secret.Secret
	Enabled, Locked bool
}

// Accounts returns the accounts as they are, without empty places.
func (b *BMC) Accounts() []Account {
	var all []Account
	b.locked(func() {
		for _, x := range b.accounts.list {
			if x.name != "" {
				x.unlock(b.accounts.policy, b.now())
				all = append(all, Account{ID: x.id, User: x.name, Role: x.role, Password: x.password, Enabled: x.enabled, Locked: x.locked})
			}
		}
	})
	return all
}
