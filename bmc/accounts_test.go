package bmc_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// testAccounts makes an account, logs in with it, changes its password, and takes it away again, all the time with
// an eye on what must not happen.
func testAccounts(t *testing.T, d *bmc.Driver, p *peer) {
	policy, err := d.AccountPolicy(t.Context(), p.target)
	if err != nil || policy.MaxLength < 16 {
		t.Fatalf("policy %+v: %v", policy, err)
	}
	mine := p.target
	mine.User = "socle-a"
	for _, word := range []string{"Ab3-first-of-them", "Ab3-second.of-it"} {
		word = word[:16]
		mine.Password = secret.New(word)
		if err := d.PutAccount(t.Context(), p.target, mine.User, mine.Password); err != nil {
			t.Fatal(err)
		}
		if a := account(t, d, p.target, mine.User); a == nil || !a.Admin || !a.Enabled {
			t.Fatalf("account %+v", a)
		}
		if _, err := bmc.New(usual).Power(t.Context(), mine); err != nil {
			t.Fatalf("with the new account: %v", err)
		}
	}
	old := mine
	old.Password = secret.New("Ab3-first-of-them"[:16])
	_, err = bmc.New(usual).Power(t.Context(), old)
	mustBe(t, err, bmc.ErrAuth, "socle-a")
	mustBe(t, d.RemoveAccount(t.Context(), p.target, p.target.User), bmc.ErrUnsupported, "use another one")
	mustBe(t, d.PutAccount(t.Context(), p.target, p.target.User, mine.Password), bmc.ErrUnsupported, "use another one")
	// By the new account the old one can go, and the other way round.
	for range 2 {
		if err := d.RemoveAccount(t.Context(), p.target, mine.User); err != nil {
			t.Fatal(err)
		}
	}
	if a := account(t, d, p.target, mine.User); a != nil && a.Enabled {
		t.Errorf("still there: %+v", a)
	}
	_, err = bmc.New(usual).Power(t.Context(), mine)
	mustBe(t, err, bmc.ErrAuth, "socle-a")
	if _, err := d.Power(t.Context(), p.target); err != nil {
		t.Errorf("with the account that did it all: %v", err)
	}
}

func account(t *testing.T, d *bmc.Driver, to bmc.Target, name string) *bmc.Account {
	t.Helper()
	list, err := d.Accounts(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(list, func(a bmc.Account) bool { return a.Name == to.User && a.Admin && a.Enabled }) {
		t.Errorf("the account that lists them is not among them: %+v", list)
	}
	if i := slices.IndexFunc(list, func(a bmc.Account) bool { return a.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// TestAccountReadBack: what a controller accepts and does not do is not believed.
func TestAccountReadBack(t *testing.T) {
	p := startRedfish(t)
	p.ignore(t)
	err := bmc.New(brief).PutAccount(t.Context(), p.target, "socle-a", secret.New("Ab3-first-of-the"))
	mustBe(t, err, bmc.ErrReadBack, `no account "socle-a"`)
}

// TestAccountShapes: the controllers of vendors keep accounts in their own ways: with changes bound to what was read, with
// rules for passwords.
func TestAccountShapes(t *testing.T) {
	for _, name := range []string{"idrac9", "idrac10", "ilo5", "x11"} {
		t.Run(name, func(t *testing.T) {
			b, _, target := shaped(t, name)
			b.Faults().Add(redfish.Fault{Kind: redfish.WrongETag})
			word := secret.New("Ab3-quoted-by-it")
			if err := bmc.New(usual).PutAccount(t.Context(), target, "socle-b", word); err != nil {
				t.Errorf("with ETags that are wrong: %v", err)
			}
			b.Faults().Clear()
			short := secret.New("Ab3.x")
			err := bmc.New(usual).PutAccount(t.Context(), target, "socle-a", short)
			if err == nil || strings.Contains(err.Error(), short.Reveal()) {
				t.Errorf("with a password that is too short: %v", err)
			}
		})
	}
}

// shaped serves a controller of a vendor's kind.
func shaped(t *testing.T, name string) (*redfish.BMC, *redfishtest.VM, bmc.Target) {
	shape, err := redfish.ShapeByName(name)
	if err != nil {
		t.Fatal(err)
	}
	shape.Policy.MinLength = 8
	vm := redfishtest.NewVM(redfish.Description{Name: "hv01", Serial: "SN-1", UUID: "6e1c0f9a-3a0b-4d1c-9d7e-0123456789ab", UEFI: true, CPUs: 1, MemoryMiB: 2048})
	b := redfish.New(redfish.Options{Machine: vm, User: "admin", Password: secret.New(password), Shape: shape, WorkTime: 100 * time.Millisecond})
	return b, vm, bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: serve(t, b), User: "admin", Password: secret.New(password)}
}
