package redfish_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/internal/secret"
	"socle/lab/redfish"
)

const (
	accountService = "/redfish/v1/AccountService"
	accounts       = accountService + "/Accounts"
)

// as logs in for one request.
func as(user, password string) []string {
	return []string{"Authorization", "Basic " + basic(user, password)}
}

func TestAccounts(t *testing.T) {
	b := start(t, true)
	body := `{"UserName":"socle","Password":"long-enough","RoleId":"Administrator"}`
	made := b.want(201, "", "POST", accounts, body)
	at := made.header.Get("Location")
	if at == "" || at != made.at("@odata.id") || made.at("Password") != nil || made.at("Enabled") != true {
		t.Fatalf("%v %v", made.header, made.body)
	}
	b.want(200, "", "GET", system, "", as("socle", "long-enough")...)
	for _, c := range []struct {
		status   int
		id, body string
	}{
		{400, "ResourceAlreadyExists", body},
		{400, "PropertyMissing", `{"UserName":"x","Password":"long-enough"}`},
		{400, "PropertyMissing", `{"UserName":"x","RoleId":"Operator"}`},
		{400, "PropertyValueFormatError", `{"UserName":"x","Password":"short","RoleId":"Operator"}`},
		{400, "PropertyValueFormatError", `{"UserName":"x","Password":"01234567890123456789012345678901234567890","RoleId":"Operator"}`},
		{400, "PropertyValueNotInList", `{"UserName":"x","Password":"long-enough","RoleId":"King"}`},
	} {
		b.want(c.status, c.id, "POST", accounts, c.body)
	}
	b.want(200, "", "PATCH", at, `{"Password":"another-one"}`)
	b.want(401, "NoValidSession", "GET", system, "", as("socle", "long-enough")...)
	b.want(200, "", "GET", system, "", as("socle", "another-one")...)
	b.want(200, "", "PATCH", at, `{"Enabled":false}`)
	b.want(401, "NoValidSession", "GET", system, "", as("socle", "another-one")...)
	b.want(204, "", "DELETE", at, "")
	b.want(404, "ResourceMissingAtURI", "GET", at, "")
	b.want(403, "ResourceCannotBeDeleted", "DELETE", accounts+"/1", "")
	for n := range 15 {
		b.want(201, "", "POST", accounts, fmt.Sprintf(`{"UserName":"u%d","Password":"long-enough","RoleId":"ReadOnly"}`, n))
	}
	b.want(400, "CreateLimitReachedForResource", "POST", accounts, body)
}

func TestRoles(t *testing.T) {
	b := start(t, true)
	for _, role := range []string{"Operator", "ReadOnly"} {
		b.want(201, "", "POST", accounts, fmt.Sprintf(`{"UserName":%q,"Password":"long-enough","RoleId":%q}`, role, role))
	}
	for _, c := range []struct {
		role, method, path, body string
		status                   int
	}{
		{"ReadOnly", "GET", system, "", 200},
		{"ReadOnly", "PATCH", system, pxeOnce, 403},
		{"ReadOnly", "POST", power, `{"ResetType":"On"}`, 403},
		{"Operator", "PATCH", system, pxeOnce, 200},
		{"Operator", "POST", accounts, `{}`, 403},
		{"Operator", "POST", "/redfish/v1/Managers/1/Actions/Manager.Reset", `{}`, 403},
		{"Operator", "GET", accounts + "/1", "", 404}, // others' accounts are none of its business
		{"Operator", "PATCH", accounts + "/2", `{"RoleId":"Administrator"}`, 403},
		{"Operator", "DELETE", accounts + "/3", ``, 403},
		{"Operator", "PATCH", accounts + "/2", `{"Password":"its-own-new-one"}`, 200},
	} {
		if a := b.do(c.method, c.path, c.body, as(c.role, "long-enough")...); a.status != c.status {
			t.Errorf("%s %s %s: %d %s; want %d", c.role, c.method, c.path, a.status, a.messageID(), c.status)
		}
	}
}

func TestLockOut(t *testing.T) {
	b := start(t, true)
	b.want(400, "PropertyValueConflict", "PATCH", accountService, `{"AccountLockoutDuration":10,"AccountLockoutCounterResetAfter":20}`)
	b.want(200, "", "PATCH", accountService, `{"AccountLockoutThreshold":3,"AccountLockoutDuration":60,"AccountLockoutCounterResetAfter":30}`)
	wrong := func() { b.want(401, "NoValidSession", "GET", system, "", as("admin", "no")...) }
	right := func(status int) {
		t.Helper()
		if a := b.do("GET", system, ""); a.status != status {
			t.Errorf("right password: %d; want %d", a.status, status)
		}
	}
	wrong()
	wrong()
	right(200) // sets the counter back
	wrong()
	wrong()
	b.pass(31 * time.Second) // so does time
	wrong()
	wrong()
	right(200)
	wrong()
	wrong()
	wrong()
	right(401)
	b.pass(59 * time.Second)
	right(401)
	b.pass(2 * time.Second)
	right(200)
}

// TestLockOutOrdered: the account of a right login is locked until another administrator unlocks it.
func TestLockOutOrdered(t *testing.T) {
	b := start(t, true)
	b.want(201, "", "POST", accounts, `{"UserName":"second","Password":"long-enough","RoleId":"Administrator"}`)
	b.faults.Add(redfish.Fault{Kind: redfish.LockOut, Times: 1})
	b.want(401, "NoValidSession", "GET", system, "")
	b.pass(24 * time.Hour)
	b.want(401, "NoValidSession", "GET", system, "")
	if a := b.want(200, "", "GET", accounts+"/1", "", as("second", "long-enough")...); a.at("Locked") != true {
		t.Error(a.body)
	}
	b.want(200, "", "PATCH", accounts+"/1", `{"Locked":false}`, as("second", "long-enough")...)
	b.want(200, "", "GET", system, "")
}

func TestPasswordChangeRequired(t *testing.T) {
	b := start(t, true, func(o *redfish.Options) { o.MustChange = true })
	b.want(403, "PasswordChangeRequired", "GET", system, "")
	b.want(403, "PasswordChangeRequired", "POST", accounts, `{}`)
	b.want(200, "", "GET", accounts+"/1", "")
	b.want(200, "", "PATCH", accounts+"/1", `{"Password":"my-own-word"}`)
	b.want(200, "", "GET", system, "", as("admin", "my-own-word")...)
	want := []redfish.Account{{ID: "1", User: "admin", Role: "Administrator", Password: secret.New("my-own-word"), Enabled: true}}
	if diff := cmp.Diff(want, b.bmc.Accounts(), cmp.Comparer(func(a, b secret.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Error(diff)
	}
}

// TestAccountSlots: with iDRAC's accounts, a new one is an empty place that is filled.
func TestAccountSlots(t *testing.T) {
	b := start(t, true, shaped(t, "idrac9"))
	b.want(405, "OperationNotAllowed", "POST", accounts, `{"UserName":"socle","Password":"long-enough","RoleId":"Administrator"}`)
	if a := b.want(200, "", "GET", accounts, ""); a.at("Members@odata.count") != 16.0 {
		t.Error(a.body)
	}
	b.want(200, "", "PATCH", accounts+"/3", `{"UserName":"socle","Password":"long-enough","RoleId":"Administrator","Enabled":true}`)
	b.want(200, "", "GET", "/redfish/v1/Managers/iDRAC.Embedded.1", "", as("socle", "long-enough")...)
	b.want(405, "OperationNotAllowed", "DELETE", accounts+"/3", "")
	b.want(200, "", "PATCH", accounts+"/3", `{"UserName":""}`)
	b.want(401, "NoValidSession", "GET", accounts, "", as("socle", "long-enough")...)
	if n := len(b.bmc.Accounts()); n != 1 {
		t.Errorf("%d accounts", n)
	}
}
