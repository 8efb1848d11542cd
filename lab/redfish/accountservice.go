package redfish

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"socle/internal/secret"
)

const (
	accountService = root + "/AccountService"
	accountsPath   = accountService + "/Accounts"
)

func accountRoutes() map[string]route {
	return map[string]route{
		accountService: {get: getAccountService, patch: patchAccountService},
		accountsPath: {get: func(b *BMC, _ *call) (object, error) {
			var ids []string
			for _, x := range b.accounts.list {
				ids = append(ids, x.id)
			}
			return collection(accountsPath, "ManagerAccountCollection", "Accounts Collection", below(accountsPath, ids...)...), nil
		}, post: createAccount},
		accountsPath + "/{}": {get: getAccount, patch: patchAccount, delete: deleteAccount, own: true},
		accountService + "/Roles": {get: func(*BMC, *call) (object, error) {
			return collection(accountService+"/Roles", "RoleCollection", "Roles Collection", below(accountService+"/Roles", roles()...)...), nil
		}},
		accountService + "/Roles/{}": {get: func(_ *BMC, c *call) (object, error) {
			id := c.ids[0]
			if !slices.Contains(roles(), id) {
				return nil, notFound(c.URL.Path)
			}
			return resource(c.URL.Path, "Role.v1_3_0", id, id+" Role").with(object{
				"RoleId": id, "IsPredefined": true, "AssignedPrivileges": privileges(id),
			}), nil
		}},
	}
}

func getAccountService(b *BMC, _ *call) (object, error) {
	p := b.accounts.policy
	return resource(accountService, "AccountService.v1_10_0", "AccountService", "Account Service").with(object{
		"ServiceEnabled": true, "Status": healthy(), "Accounts": link(accountsPath), "Roles": link(accountService + "/Roles"),
		"MinPasswordLength": p.MinLength, "MaxPasswordLength": p.MaxLength, "AccountLockoutThreshold": p.LockThreshold,
		"AccountLockoutDuration": int(p.LockFor.Seconds()), "AccountLockoutCounterResetAfter": int(p.ResetAfter.Seconds()),
		"AccountLockoutCounterResetEnabled": true,
	}), nil
}

func patchAccountService(b *BMC, c *call) error {
	var body struct {
		MinPasswordLength, MaxPasswordLength, AccountLockoutThreshold, AccountLockoutDuration, AccountLockoutCounterResetAfter *int
		AccountLockoutCounterResetEnabled                                                                                      *bool
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if e := body.AccountLockoutCounterResetEnabled; e != nil && !*e {
		return valueNotInList("AccountLockoutCounterResetEnabled", "false")
	}
	p := b.accounts.policy
	for name, set := range map[string]struct {
		value *int
		to    func(int)
	}{
		"MinPasswordLength":               {body.MinPasswordLength, func(n int) { p.MinLength = n }},
		"MaxPasswordLength":               {body.MaxPasswordLength, func(n int) { p.MaxLength = n }},
		"AccountLockoutThreshold":         {body.AccountLockoutThreshold, func(n int) { p.LockThreshold = n }},
		"AccountLockoutDuration":          {body.AccountLockoutDuration, func(n int) { p.LockFor = time.Duration(n) * time.Second }},
		"AccountLockoutCounterResetAfter": {body.AccountLockoutCounterResetAfter, func(n int) { p.ResetAfter = time.Duration(n) * time.Second }},
	} {
		if set.value == nil {
			continue
		}
		if *set.value < 0 || *set.value > 1<<20 {
			return valueNotInList(name, strconv.Itoa(*set.value))
		}
		set.to(*set.value)
	}
	// "The value shall be less than or equal to the value of AccountLockoutDuration" (schema AccountService).
	if p.LockFor > 0 && p.ResetAfter > p.LockFor {
		return problemf(http.StatusBadRequest, "PropertyValueConflict",
			"The property 'AccountLockoutCounterResetAfter' could not be written because its value would conflict with the value of the 'AccountLockoutDuration' property.").about("#/AccountLockoutCounterResetAfter")
	}
	b.accounts.policy = p
	return nil
}

// mayManage tells whether the call's user may change accounts, not only its own password.
func (c *call) mayManage() bool {
	return !c.user.mustChange && slices.Contains(privileges(c.user.role), "ConfigureUsers")
}

func getAccount(b *BMC, c *call) (object, error) {
	x := b.accounts.byID(c.ids[0])
	if x == nil || !c.mayManage() && c.user != x {
		return nil, notFound(c.URL.Path)
	}
	x.unlock(b.accounts.policy, b.now())
	o := resource(accountsPath+"/"+x.id, "ManagerAccount.v1_8_0", x.id, "User Account").with(object{
		"UserName": x.name, "Password": nil, "Enabled": x.enabled, "Locked": x.locked, "RoleId": x.role,
		"AccountTypes": []string{"Redfish"}, "PasswordChangeRequired": x.mustChange,
	})
	if privileges(x.role) != nil {
		o["Links"] = object{"Role": link(accountService + "/Roles/" + x.role)}
	}
	return o, nil
}

// accountBody is what a client may say of an account.
type accountBody struct {
	UserName, Password, RoleId *string
	Enabled, Locked            *bool
	AccountTypes               []string
	PasswordChangeRequired     *bool
}

// checked refuses what the policy does not allow.
func (b *BMC) checked(body accountBody, x *account) error {
	if p := body.Password; p != nil {
		if n := len(*p); n < b.accounts.policy.MinLength || n > b.accounts.policy.MaxLength {
			return problemf(http.StatusBadRequest, "PropertyValueFormatError",
				"The value for the property Password is not of %d to %d characters.", b.accounts.policy.MinLength, b.accounts.policy.MaxLength).about("#/Password")
		}
	}
	if r := body.RoleId; r != nil && !slices.Contains(roles(), *r) {
		return valueNotInList("RoleId", *r)
	}
	if l := body.Locked; l != nil && *l {
		return valueNotInList("Locked", "true") // only the service locks
	}
	if u := body.UserName; u != nil && *u != "" {
		if len(*u) > 39 {
			return valueFormat("UserName", *u)
		}
		if other := b.accounts.byName(*u); other != nil && other != x {
			return problemf(http.StatusBadRequest, "ResourceAlreadyExists",
				"The requested resource of type ManagerAccount with the property UserName with the value %s already exists.", *u).about("#/UserName")
		}
	}
	return nil
}

func (x *account) fill(body accountBody) {
	if body.UserName != nil {
		x.name = *body.UserName
	}
	if body.Password != nil {
		x.password, x.mustChange = secret.New(*body.Password), false
	}
	if body.RoleId != nil {
		x.role = *body.RoleId
	}
	if body.Enabled != nil {
		x.enabled = *body.Enabled
	}
	if body.Locked != nil {
		x.locked, x.wrong = false, 0
	}
	if body.PasswordChangeRequired != nil {
		x.mustChange = *body.PasswordChangeRequired
	}
}

// maxAccounts is for controllers without places.
const maxAccounts = 16

func createAccount(b *BMC, c *call) (*reply, error) {
	if b.shape.Quirks.AccountSlots > 0 {
		c.w.Header().Set("Allow", "GET, HEAD")
		return nil, problemf(http.StatusMethodNotAllowed, "OperationNotAllowed", "The HTTP method is not allowed on this resource: accounts are made by PATCH of an empty one.")
	}
	var body accountBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	switch {
	case body.UserName == nil || *body.UserName == "":
		return nil, missing("UserName")
	case body.Password == nil:
		return nil, missing("Password")
	case body.RoleId == nil:
		return nil, missing("RoleId")
	case len(b.accounts.list) >= maxAccounts:
		return nil, problemf(http.StatusBadRequest, "CreateLimitReachedForResource", "The create operation failed because the resource has reached the limit of possible resources.")
	}
	if err := b.checked(body, nil); err != nil {
		return nil, err
	}
	x := &account{id: strconv.Itoa(b.accounts.next), enabled: true}
	b.accounts.next++
	x.fill(body)
	b.accounts.list = append(b.accounts.list, x)
	c.ids = []string{x.id}
	o, err := getAccount(b, c)
	return &reply{status: http.StatusCreated, body: o, location: accountsPath + "/" + x.id}, err
}

func patchAccount(b *BMC, c *call) error {
	x := b.accounts.byID(c.ids[0])
	if x == nil {
		return notFound(c.URL.Path)
	}
	var body accountBody
	if err := c.decode(&body); err != nil {
		return err
	}
	if !c.mayManage() && (c.user != x || body.UserName != nil || body.RoleId != nil || body.Enabled != nil || body.Locked != nil || body.PasswordChangeRequired != nil) {
		return problemf(http.StatusForbidden, "InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.")
	}
	if err := b.checked(body, x); err != nil {
		return err
	}
	x.fill(body)
	if x.name == "" { // an empty place
		*x = account{id: x.id, role: "None"}
	}
	if !x.enabled {
		b.sessions.endOf(x)
	}
	return nil
}

func deleteAccount(b *BMC, c *call) error {
	x := b.accounts.byID(c.ids[0])
	switch {
	case x == nil:
		return notFound(c.URL.Path)
	case !c.mayManage():
		return problemf(http.StatusForbidden, "InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.")
	case b.shape.Quirks.AccountSlots > 0:
		return problemf(http.StatusMethodNotAllowed, "OperationNotAllowed", "The HTTP method is not allowed on this resource: an account is removed by PATCH with an empty UserName.")
	case x.enabled && x.role == roleAdministrator && b.administrators() == 1:
		return problemf(http.StatusForbidden, "ResourceCannotBeDeleted", "The delete request failed because the resource is the last administrator.")
	}
	b.sessions.endOf(x)
	b.accounts.list = slices.DeleteFunc(b.accounts.list, func(other *account) bool { return other == x })
	return nil
}

func (b *BMC) administrators() int {
	n := 0
	for _, x := range b.accounts.list {
		if x.enabled && x.role == roleAdministrator {
			n++
		}
	}
	return n
}
