package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"socle/internal/secret"
)

// accountService is what is read of the schema AccountService (DMTF DSP2046).
type accountService struct {
	MinPasswordLength       int
	MaxPasswordLength       int
	AccountLockoutThreshold int
	Accounts                link
}

// link is a reference to another resource.
type link struct {
	ID string `json:"@odata.id"`
}

// managerAccount is what is read of the schema ManagerAccount.
type managerAccount struct {
	Path    string `json:"@odata.id"`
	ID      string `json:"Id"`
	Name    string `json:"UserName"`
	RoleID  string `json:"RoleId"`
	Enabled bool
	etag    string
}

// administrator is the name of the role with all rights (DSP0266 section 13.2.2).
const administrator = "Administrator"

func (r *redfishReader) accountService(ctx context.Context) (accountService, error) {
	var s accountService
	var root struct{ AccountService link }
	if err := r.get("/redfish/v1/", &root); err != nil {
		return s, redfishError(ctx, err)
	}
	if root.AccountService.ID == "" {
		return s, fmt.Errorf("%w: its service root names no AccountService", ErrUnsupported)
	}
	err := r.get(root.AccountService.ID, &s)
	r.wanted = wantsPassword(err)
	return s, redfishError(ctx, err)
}

// places reads all accounts, and the empty places of controllers that have a fixed number of them.
func (r *redfishReader) places(ctx context.Context) (list []managerAccount, s accountService, err error) {
	if s, err = r.accountService(ctx); err != nil {
		return nil, s, err
	}
	var members struct{ Members []link }
	if err := r.get(s.Accounts.ID, &members); err != nil {
		return nil, s, redfishError(ctx, err)
	}
	for _, m := range members.Members {
		var a managerAccount
		if a.etag, err = r.getTagged(m.ID, &a); err != nil {
			return nil, s, redfishError(ctx, err)
		}
		if a.Path == "" {
			a.Path = m.ID
		}
		list = append(list, a)
	}
	return list, s, nil
}

// getTagged is get with the ETag by which a change is bound to what was read.
func (r *redfishReader) getTagged(path string, v any) (etag string, err error) {
	resp, err := r.client.Get(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.Header.Get("ETag"), decodeLimited(resp.Body, v)
}

// accounts implements keeper.
func (r *redfishReader) accounts(ctx context.Context) ([]Account, error) {
	list, _, err := r.places(ctx)
	var all []Account
	for _, a := range list {
		if a.Name != "" {
			all = append(all, Account{ID: a.ID, Name: a.Name, Enabled: a.Enabled, Admin: a.RoleID == administrator})
		}
	}
	return all, err
}

// policy implements keeper.
func (r *redfishReader) policy(ctx context.Context) (AccountPolicy, error) {
	list, s, err := r.places(ctx)
	if err != nil {
		return AccountPolicy{}, err
	}
	p := AccountPolicy{MinLength: s.MinPasswordLength, MaxLength: s.MaxPasswordLength, Lockout: s.AccountLockoutThreshold}
	if slices.ContainsFunc(list, func(a managerAccount) bool { return a.Name == "" }) {
		p.Accounts = len(list)
	}
	return p, nil
}

// putAccount implements keeper. A new account is asked for by POST; controllers with a fixed number of places refuse
// that, and get their first empty place filled.
func (r *redfishReader) putAccount(ctx context.Context, name string, password secret.Secret) error {
	list, s, err := r.places(ctx)
	if err != nil {
		return err
	}
	all := map[string]any{"UserName": name, "Password": password.Reveal(), "RoleId": administrator, "Enabled": true}
	if i := slices.IndexFunc(list, func(a managerAccount) bool { return a.Name == name }); i >= 0 {
		delete(all, "UserName")
		return r.patch(ctx, list[i].Path, list[i].etag, all)
	}
	empty := slices.IndexFunc(list, func(a managerAccount) bool { return a.Name == "" && a.ID != "1" }) // 1 is nobody's, as in IPMI
	if empty < 0 {
		return r.post(ctx, s.Accounts.ID, all)
	}
	return r.patch(ctx, list[empty].Path, list[empty].etag, all)
}

// ownPassword changes the password of the user that is logged in. Who must do that before anything else is told where.
func (r *redfishReader) ownPassword(ctx context.Context, user string, password secret.Secret) error {
	list, _, err := r.places(ctx)
	var at string
	if i := slices.IndexFunc(list, func(a managerAccount) bool { return a.Name == user }); i >= 0 {
		at = list[i].Path
	}
	if errors.Is(err, ErrPassword) {
		at, err = r.wanted, nil
	}
	switch {
	case err != nil:
		return err
	case at == "" || at == "?":
		return fmt.Errorf("%w: it does not say where the account is; change its password by hand", ErrUnsupported)
	}
	var had managerAccount
	etag, err := r.getTagged(at, &had)
	if err != nil {
		return redfishError(ctx, err)
	}
	return r.patch(ctx, at, etag, map[string]any{"Password": password.Reveal()})
}

// removeAccount implements keeper: an account in a fixed place is emptied.
func (r *redfishReader) removeAccount(ctx context.Context, name string) error {
	list, _, err := r.places(ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.Name != name {
			continue
		}
		resp, err := r.client.DeleteWithHeaders(a.Path, match(a.etag))
		if err = finish(ctx, resp, err); errors.Is(err, ErrUnsupported) {
			err = r.patch(ctx, a.Path, a.etag, map[string]any{"UserName": "", "Enabled": false})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// patch changes a resource, bound to the ETag that it was read with. A controller that has another one by now,
// because it counts what nobody changed, is asked once more without the bond.
func (r *redfishReader) patch(ctx context.Context, path, etag string, body any) error {
	_, err := r.patchJob(ctx, path, etag, body)
	return err
}

// patchJob is patch, and tells by which job or task the controller goes on; empty: by none.
func (r *redfishReader) patchJob(ctx context.Context, path, etag string, body any) (job string, err error) {
	job, err = r.patchOnce(ctx, path, etag, body)
	if etag != "" && errors.Is(err, errPrecondition) {
		job, err = r.patchOnce(ctx, path, "*", body)
	}
	return job, err
}

func (r *redfishReader) patchOnce(ctx context.Context, path, etag string, body any) (job string, err error) {
	resp, err := r.client.PatchWithHeaders(path, body, match(etag))
	return begun(resp), finish(ctx, resp, err)
}

// begun is the job or task that an answer names as its continuation (DSP0266, section "Asynchronous operations"); empty
// for none. Whole URLs are cut to their path: they lead to the same controller.
func begun(resp *http.Response) string {
	if resp == nil || resp.StatusCode != http.StatusAccepted && resp.StatusCode != http.StatusOK {
		return ""
	}
	at, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || !(link{at.Path}).ok() {
		return ""
	}
	return at.Path
}

func match(etag string) map[string]string {
	if etag == "" {
		return nil
	}
	return map[string]string{"If-Match": etag}
}

// finish ends an exchange whose answer does not matter.
func finish(ctx context.Context, resp *http.Response, err error) error {
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	return redfishError(ctx, err)
}
