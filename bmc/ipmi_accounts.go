package bmc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/bougou/go-ipmi/pkg/command/app"
	"github.com/bougou/go-ipmi/pkg/types"

	"socle/internal/secret"
)

// thisChannel is the channel that a command comes in by (IPMI 2.0 section 6.3).
const thisChannel = 0x0e

// maxShortPassword is the length of passwords that every controller keeps; those of 20 bytes came with IPMI 2.0, and
// some that speak it cut them (section 22.30).
const maxShortPassword = 16

// firstOwnID is where accounts are made: 1 is nobody's (section 22.26), and 2 is the factory's on most controllers.
const firstOwnID = 3

// noAccess is the privilege limit of an account that has no rights on a channel (section 22.26).
const noAccess types.PrivilegeLevel = 0x0f

// ipmiAccount is a place for an account, with or without a name in it.
type ipmiAccount struct {
	id   uint8
	name string
	*app.GetUserAccessResponse
}

func (a ipmiAccount) enabled() bool {
	// 0 is what controllers from before errata 3 say, which have no other way to disable one than to take its rights.
	return a.EnableStatus != 2 && a.IPMIMessagingEnabled && a.MaxPrivLevel != noAccess
}

// places reads all places for accounts (sections 22.27 and 22.29).
func (r *ipmiReader) places(ctx context.Context) ([]ipmiAccount, error) {
	var all []ipmiAccount
	for id, most := uint8(1), uint8(1); id <= most; id++ {
		access, err := r.client.GetUserAccess(ctx, thisChannel, id)
		if err != nil {
			return nil, ipmiError(err)
		}
		most = min(access.MaxUsersIDCount, 63) // six bits
		a := ipmiAccount{id: id, GetUserAccessResponse: access}
		name, err := r.client.GetUsername(ctx, id)
		var refused *types.ResponseError
		switch {
		case err == nil:
			a.name = printable([]byte(name.Username))
		case errors.As(err, &refused): // how many say that there is no name
		default:
			return nil, ipmiError(err)
		}
		all = append(all, a)
	}
	return all, nil
}

// accounts implements keeper.
func (r *ipmiReader) accounts(ctx context.Context) ([]Account, error) {
	places, err := r.places(ctx)
	var all []Account
	for _, a := range places {
		if a.name != "" {
			all = append(all, Account{ID: strconv.Itoa(int(a.id)), Name: a.name, Enabled: a.enabled(), Admin: a.MaxPrivLevel == types.PrivilegeLevelAdministrator})
		}
	}
	return all, err
}

// policy implements keeper.
func (r *ipmiReader) policy(ctx context.Context) (AccountPolicy, error) {
	access, err := r.client.GetUserAccess(ctx, thisChannel, 1)
	if err != nil {
		return AccountPolicy{}, ipmiError(err)
	}
	return AccountPolicy{MinLength: 1, MaxLength: maxShortPassword, Accounts: int(access.MaxUsersIDCount)}, nil
}

// putAccount implements keeper. The password comes before the rights: an account that can log in with no password
// must not be there for a moment.
func (r *ipmiReader) putAccount(ctx context.Context, name string, password secret.Secret) error {
	if len(name) > maxIPMIUser || len(password.Reveal()) > maxIPMIPassword {
		return fmt.Errorf("%w: IPMI 2.0 allows %d bytes for a user and %d for a password, and one is longer", ErrUnsupported, maxIPMIUser, maxIPMIPassword)
	}
	places, err := r.places(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(places, func(a ipmiAccount) bool { return a.name == name })
	if i < 0 {
		if i = slices.IndexFunc(places, func(a ipmiAccount) bool { return a.id >= firstOwnID && a.name == "" }); i < 0 {
			return fmt.Errorf("%w: all its %d accounts are taken; remove one", ErrUnsupported, len(places))
		}
		if _, err := r.client.SetUsername(ctx, places[i].id, name); err != nil {
			return ipmiError(err)
		}
	}
	id := places[i].id
	long := len(password.Reveal()) > maxShortPassword
	if _, err := r.client.SetUserPassword(ctx, id, password.Reveal(), long); err != nil {
		return ipmiError(err)
	}
	if _, err := r.client.SetUserAccess(ctx, &app.SetUserAccessRequest{
		EnableChanging: true, EnableLinkAuth: true, EnableIPMIMessaging: true, ChannelNumber: thisChannel,
		UserID: id, MaxPrivLevel: uint8(types.PrivilegeLevelAdministrator),
	}); err != nil {
		return ipmiError(err)
	}
	if err := r.setEnabled(ctx, id, app.PasswordOperationEnableUser); err != nil {
		return err
	}
	// Serial over LAN is a right of its own (section 24.6). Some controllers know no such thing.
	_ = r.client.Exchange(ctx, &app.SetUserPayloadAccessRequest{
		ChannelNumber: thisChannel, UserID: id, Operation: app.SetUserPayloadAccessOperationEnable, PayloadTypeSOL: true,
	}, &app.SetUserPayloadAccessResponse{})
	return nil
}

// setEnabled lets an account log in or not (section 22.30). The library's own call leaves out whose.
func (r *ipmiReader) setEnabled(ctx context.Context, id uint8, o app.PasswordOperation) error {
	return ipmiError(r.client.Exchange(ctx, &app.SetUserPasswordRequest{UserID: id, Operation: o}, &app.SetUserPasswordResponse{}))
}

// removeAccount implements keeper: IPMI has no way to delete an account. It is disabled, loses its rights and, where
// the controller allows it, its name, so that its place is free.
func (r *ipmiReader) removeAccount(ctx context.Context, name string) error {
	places, err := r.places(ctx)
	if err != nil {
		return err
	}
	for _, a := range places {
		if a.name != name {
			continue
		}
		if err := r.setEnabled(ctx, a.id, app.PasswordOperationDisableUser); err != nil {
			return err
		}
		_, err := r.client.SetUserAccess(ctx, &app.SetUserAccessRequest{
			EnableChanging: true, ChannelNumber: thisChannel, UserID: a.id, MaxPrivLevel: uint8(noAccess),
		})
		if err != nil && ctx.Err() != nil {
			return ipmiError(ctx.Err())
		}
		_, _ = r.client.SetUsername(ctx, a.id, "")
	}
	return nil
}
