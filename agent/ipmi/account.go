package ipmi

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"socle/hardware"
)

// Lengths of names and passwords, in bytes. Passwords of 20 bytes came with IPMI 2.0 (section 22.30), and some that speak
// it cut them.
const (
	maxName     = 16
	maxPassword = 16
)

// firstOwn is where accounts are made: 1 is nobody's (IPMI 2.0 section 22.26), and 2 the factory's on most controllers.
const firstOwn = 3

const (
	administrator = 4    // privilege level (table 6-2)
	noAccess      = 0x0f // likewise
)

// Operations of Set User Password.
const (
	enableUser   = 1
	setPassword  = 2
	testPassword = 3
)

// place is where an account is or can be.
type place struct {
	id     byte
	name   string
	fixed  bool // its name cannot be changed
	access []byte
}

func (p place) admin() bool { return p.access[3]&0x0f == administrator }

// enabled: 0 is what controllers from before errata 3 say, which disable an account by taking its rights.
func (p place) enabled() bool {
	return p.access[1]>>6 != 2 && p.access[3]&0x10 != 0 && p.access[3]&0x0f != noAccess
}

// accounts reads all places for accounts on a channel (sections 22.27 and 22.29): the answer is the number of places,
// how many are enabled with the state of this one above, how many have fixed names, and the rights.
func accounts(ctx context.Context, c Controller, channel byte) ([]place, error) {
	var all []place
	for id, most := byte(1), byte(1); id <= most; id++ {
		access, err := c.Ask(ctx, getUserAccess, channel, id)
		if err != nil {
			return all, err
		}
		if len(access) < 4 {
			return all, fmt.Errorf("the BMC's answer to %s is too short", getUserAccess.Name)
		}
		most = access[0] & 0x3f
		p := place{id: id, fixed: id <= access[2]&0x3f, access: access}
		name, err := c.Ask(ctx, getUserName, id)
		if err != nil && !refused(err) { // many refuse to tell that there is none
			return all, err
		}
		p.name = printable(name)
		all = append(all, p)
	}
	return all, nil
}

// Made is the account that was made.
type Made struct {
	hardware.BMC
	ID    int
	Notes []string // what did not work, and may do no harm
}

// PutAccount makes an enabled administrator of this name and password, or makes one of the account of that name, on the
// channel by which the controller is on the network, and reads back that it is there. The password comes before the
// rights: an account that lets everybody in must not be there for a moment. No error tells the password.
func PutAccount(ctx context.Context, c Controller, name, password string) (Made, error) {
	if name == "" || len(name) > maxName || password == "" || len(password) > maxPassword {
		return Made{}, fmt.Errorf("IPMI allows names of 1 to %d bytes and passwords of 1 to %d", maxName, maxPassword)
	}
	b, err := Look(ctx, c)
	if err != nil {
		return Made{}, err
	}
	if b.Channel == 0 {
		return Made{}, errors.New("the BMC shows no channel to a network, over which it could be logged into")
	}
	channel := byte(b.Channel)
	m := Made{BMC: *b}
	id, err := choose(ctx, c, channel, name)
	if err != nil {
		return m, err
	}
	m.ID = int(id)
	if err := fill(ctx, c, channel, id, password); err != nil {
		return m, err
	}
	// Serial over LAN is a right of its own (section 24.6). Some controllers know no such thing.
	if _, err := c.Ask(ctx, setUserPayload, channel, id, 0x02, 0, 0, 0); err != nil {
		m.Notes = append(m.Notes, "its right to the serial console could not be set: "+err.Error())
	}
	notes, err := openChannel(ctx, c, channel)
	m.Notes = append(m.Notes, notes...)
	if err != nil {
		return m, err
	}
	notes, err = openSuite(ctx, c, channel)
	m.Notes = append(m.Notes, notes...)
	if err != nil {
		return m, err
	}
	return m, verify(ctx, c, channel, id, name, password)
}

// choose finds the account's place, and names it.
func choose(ctx context.Context, c Controller, channel byte, name string) (byte, error) {
	all, err := accounts(ctx, c, channel)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(all, func(p place) bool { return p.name == name })
	if i >= 0 {
		return all[i].id, nil
	}
	if i = slices.IndexFunc(all, func(p place) bool { return p.id >= firstOwn && p.name == "" && !p.fixed }); i < 0 {
		return 0, fmt.Errorf("all %d accounts of the BMC are taken: remove one", len(all))
	}
	_, err = c.Ask(ctx, setUserName, append([]byte{all[i].id}, padded(name, maxName)...)...)
	return all[i].id, err
}

// fill gives an account its password, its rights, and lets it in.
func fill(ctx context.Context, c Controller, channel, id byte, password string) error {
	if _, err := c.Ask(ctx, setUserPassword, passwordData(id, setPassword, password)...); err != nil {
		return err
	}
	// Change the rights, link authentication too, and allow IPMI messages (section 22.26).
	if _, err := c.Ask(ctx, setUserAccess, 0x80|0x20|0x10|channel, id, administrator, 0); err != nil {
		return err
	}
	_, err := c.Ask(ctx, setUserPassword, id, enableUser)
	return err
}

// passwordData is a request about a password.
func passwordData(id, operation byte, password string) []byte {
	return append([]byte{id, operation}, padded(password, maxPassword)...)
}

func padded(text string, length int) []byte {
	b := make([]byte, length)
	copy(b, text)
	return b
}

// openChannel sees to it that the channel lets administrators in: in force now, and after the controller's next start
// (sections 22.22 and 22.23). A controller that does not tell is left as it is.
func openChannel(ctx context.Context, c Controller, channel byte) (notes []string, err error) {
	for _, memory := range []byte{0x80, 0x40} { // what is in force, what is stored: 10b and 01b
		now, err := c.Ask(ctx, getChannelAccess, channel, memory)
		if err != nil || len(now) < 2 {
			if err != nil && !refused(err) {
				return notes, err
			}
			continue
		}
		const mode, always = 0x07, 0x02
		if now[0]&mode == always && now[1]&0x0f >= administrator {
			continue
		}
		// The memory stands in the request's upper bits; alerting and authentication stay as they are.
		_, err = c.Ask(ctx, setChannelAccess, channel, memory|now[0]&0x38|always, memory|administrator)
		if err != nil && !refused(err) {
			return notes, err
		}
		if err != nil {
			notes = append(notes, "the channel does not let administrators in, and could not be changed: "+err.Error())
		}
	}
	return notes, nil
}

// verify reads back what was made. The test of the password is one that older controllers do not know.
func verify(ctx context.Context, c Controller, channel, id byte, name, password string) error {
	all, err := accounts(ctx, c, channel)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p place) bool { return p.id == id })
	if i < 0 || all[i].name != name || !all[i].enabled() || !all[i].admin() {
		return fmt.Errorf("the BMC said yes to everything, and does not show account %q as an enabled administrator", name)
	}
	_, err = c.Ask(ctx, setUserPassword, passwordData(id, testPassword, password)...)
	var r *Refused
	if errors.As(err, &r) && (r.Code == 0x80 || r.Code == 0x81) {
		return fmt.Errorf("the BMC said yes to the password of account %q, and kept another one", name)
	}
	if err != nil && !refused(err) {
		return err
	}
	return nil
}
