package redfish

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const root = "/redfish/v1"

// handler answers one method at one path. It returns an error and has written nothing, or a reply.
type handler func(b *BMC, c *call) (*reply, error)

// route is what can be done at the paths of one pattern. There is one table of routes for all controllers, so that
// a controller costs no more than its state.
type route struct {
	get    func(b *BMC, c *call) (object, error)
	post   handler
	patch  func(b *BMC, c *call) error // is answered with the resource
	delete func(b *BMC, c *call) error
	stream func(b *BMC, c *call) error // answers GET by itself, outside of the lock

	open     bool // no login for GET
	openPost bool // no login for POST
	working  bool // GET answers 202 as long as the task is not over: iDRAC does, and sushy waits for it
	own      bool // every user may change it; the handler looks closer
	need     string
}

// reply is a success.
type reply struct {
	status   int
	body     object
	location string
	header   [2]string
}

// done is the reply to an action that is over.
func done() (*reply, error) { return &reply{status: http.StatusNoContent}, nil }

// node is one segment of the tree of patterns.
type node struct {
	sub   map[string]*node
	wild  *node
	name  string // of the wildcard: "{system}", "{manager}", "{chassis}" stand for the shape's ids, "{}" for any
	route *route
}

// table is the one tree; it never changes.
var table = sync.OnceValue(func() *node {
	top := &node{}
	for _, part := range []map[string]route{
		rootRoutes(), accountRoutes(), sessionRoutes(), systemRoutes(), biosRoutes(), secureKeyRoutes(), storageRoutes(), chassisRoutes(), sensorRoutes(),
		managerRoutes(), portRoutes(), jobRoutes(), mediaRoutes(), logRoutes(), eventRoutes(), updateRoutes(), taskRoutes(), certificateRoutes(),
	} {
		for pattern, r := range part {
			top.add(pattern, &r)
		}
	}
	return top
})

func (n *node) add(pattern string, r *route) {
	for part := range strings.SplitSeq(strings.Trim(pattern, "/"), "/") {
		if strings.HasPrefix(part, "{") {
			if n.wild == nil {
				n.wild = &node{name: part}
			}
			n = n.wild
			continue
		}
		if n.sub == nil {
			n.sub = map[string]*node{}
		}
		if n.sub[part] == nil {
			n.sub[part] = &node{}
		}
		n = n.sub[part]
	}
	n.route = r
}

// find returns the route of a path and what its free wildcards stand for.
func (b *BMC) find(path string) (*route, []string) {
	n := table()
	var ids []string
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		next := n.sub[part]
		if next == nil && n.wild != nil {
			switch n.wild.name {
			case "{}":
				ids = append(ids, part)
				next = n.wild
			case "{system}":
				next = n.wild.when(part == b.shape.System)
			case "{manager}":
				next = n.wild.when(part == b.shape.Manager)
			case "{chassis}":
				next = n.wild.when(part == b.shape.Chassis)
			}
		}
		if next == nil {
			return nil, nil
		}
		n = next
	}
	return n.route, ids
}

func (n *node) when(ok bool) *node {
	if ok {
		return n
	}
	return nil
}

// The shape's own paths.
func (b *BMC) system() string  { return root + "/Systems/" + b.shape.System }
func (b *BMC) manager() string { return root + "/Managers/" + b.shape.Manager }
func (b *BMC) chassis() string { return root + "/Chassis/" + b.shape.Chassis }

// answer finds out what a call wants, whether it may, and does it.
func (b *BMC) answer(c *call) error {
	if done, err := b.broken(c); done {
		return err
	}
	res, ids := b.find(c.URL.Path)
	c.ids = ids
	if res != nil && res.stream != nil && c.Method == http.MethodGet {
		var err error
		b.locked(func() { err = b.enter(c, res) })
		if err != nil {
			return err
		}
		return res.stream(b, c)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	if err := b.enter(c, res); err != nil {
		return err
	}
	if res == nil {
		return notFound(c.URL.Path)
	}
	return b.do(c, res)
}

// enter checks the login, and what its user may.
func (b *BMC) enter(c *call, res *route) error {
	open := res != nil && (res.open && reads(c.Method) || res.openPost && c.Method == http.MethodPost)
	if open {
		return nil
	}
	user, err := b.authorize(c)
	if err != nil {
		return err
	}
	c.name, c.user = user.name, user
	if user.mustChange && (res == nil || !res.own) {
		at := accountsPath + "/" + user.id
		p := problemf(http.StatusForbidden, "PasswordChangeRequired",
			"The password provided for this account must be changed before access is granted. PATCH the 'Password' property for this account located at the target URI '%s' to complete this process.", at)
		p.args = []string{at} // by which clients find the account, since they may read no other one
		return p
	}
	if res == nil || reads(c.Method) || res.own {
		return nil
	}
	need := res.need
	if need == "" {
		need = needOf(c.URL.Path)
	}
	if !slices.Contains(privileges(user.role), need) {
		return problemf(http.StatusForbidden, "InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation.")
	}
	return nil
}

// needOf is the privilege for changes (DSP8011, Redfish privilege registry).
func needOf(path string) string {
	switch part, _, _ := strings.Cut(strings.TrimPrefix(path, root+"/"), "/"); part {
	case "Systems", "Chassis", "UpdateService":
		return "ConfigureComponents"
	case "AccountService":
		return "ConfigureUsers"
	}
	return "ConfigureManager"
}

// do carries out the method; the caller holds the lock.
func (b *BMC) do(c *call, res *route) error {
	switch {
	case reads(c.Method) && res.get != nil:
		o, err := res.get(b, c)
		if err != nil {
			return err
		}
		status := http.StatusOK
		if res.working && o["EndTime"] == nil {
			status = http.StatusAccepted
		}
		b.show(c, o, status)
		return nil
	case c.Method == http.MethodPost && res.post != nil:
		if ignored, err := b.spoiled(c, res); ignored || err != nil {
			return err
		}
		rep, err := res.post(b, c)
		if err != nil {
			return err
		}
		b.send(c, rep)
		return nil
	case c.Method == http.MethodPatch && res.patch != nil:
		return b.doPatch(c, res)
	case c.Method == http.MethodDelete && res.delete != nil:
		if err := b.precondition(c, res); err != nil {
			return err
		}
		if ignored, err := b.spoiled(c, res); ignored || err != nil {
			return err
		}
		if err := res.delete(b, c); err != nil {
			return err
		}
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	c.w.Header().Set("Allow", res.allow())
	return problemf(http.StatusMethodNotAllowed, "OperationNotAllowed", "The HTTP method %s is not allowed on %s.", c.Method, c.URL.Path)
}

func (b *BMC) doPatch(c *call, res *route) error {
	if err := b.precondition(c, res); err != nil {
		return err
	}
	if ignored, err := b.spoiled(c, res); ignored || err != nil {
		return err
	}
	if err := res.patch(b, c); err != nil {
		var p *problem
		if errors.As(err, &p) && p.id == "PropertyUnknown" && res.get != nil {
			if o, gerr := res.get(b, c); gerr == nil {
				return p.readOnly(o)
			}
		}
		return err
	}
	return b.patched(c, res)
}

// patched answers a change in the way of the shape: with the resource, or with nothing.
func (b *BMC) patched(c *call, res *route) error {
	if c.begun != nil {
		b.send(c, &reply{status: http.StatusAccepted, body: c.begun.object(b.now()), location: tasksPath + "/" + c.begun.id})
		return nil
	}
	if b.shape.Quirks.PatchNoContent || res.get == nil {
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	o, err := res.get(b, c)
	if err != nil {
		return err
	}
	b.show(c, o, http.StatusOK)
	return nil
}

// spoiled carries out the faults of changes. Logins are none.
func (b *BMC) spoiled(c *call, res *route) (ignored bool, err error) {
	if res.openPost || strings.HasPrefix(c.URL.Path, sessionsPath) {
		return false, nil
	}
	if b.has(c, Conflict) {
		return false, problemf(http.StatusConflict, "ResourceInUse", "The change to the requested resource failed because the resource is in use or in transition.")
	}
	if !b.has(c, Ignore) {
		return false, nil
	}
	if c.Method == http.MethodPatch {
		return true, b.patched(c, res)
	}
	b.send(c, &reply{status: http.StatusNoContent})
	return true, nil
}

func (res *route) allow() string {
	var all []string
	if res.get != nil || res.stream != nil {
		all = append(all, http.MethodGet, http.MethodHead)
	}
	if res.post != nil {
		all = append(all, http.MethodPost)
	}
	if res.patch != nil {
		all = append(all, http.MethodPatch)
	}
	if res.delete != nil {
		all = append(all, http.MethodDelete)
	}
	return strings.Join(all, ", ")
}
