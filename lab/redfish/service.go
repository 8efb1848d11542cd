package redfish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"socle/internal/secret"
)

// Options describe one controller.
type Options struct {
	Machine  VM
	User     string
	Password secret.Secret
	Faults   *Faults          // nil: none, ever
	Log      *slog.Logger     // nil: silent
	Now      func() time.Time // nil: time.Now
}

// service answers for one machine. Its resources are a table by path; sessions come and go beside it.
type service struct {
	vm        VM
	faults    *Faults
	log       *slog.Logger
	sessions  *sessions
	resources map[string]resource
}

// resource is what can be done at one path. A handler that returns an error has written nothing.
type resource struct {
	get, post, patch, delete func(w http.ResponseWriter, r *http.Request) error
	open                     bool // no login for GET
	openPost                 bool // no login for POST
}

// object is one JSON object.
type object map[string]any

const (
	root       = "/redfish/v1"
	systemPath = root + "/Systems/1"
	maxBody    = 64 << 10 // bytes of a request
)

// New returns the service of one machine. It serves all paths below /redfish.
func New(o Options) http.Handler {
	if o.Faults == nil {
		o.Faults = new(Faults)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &service{vm: o.Machine, faults: o.Faults, log: o.Log, sessions: newSessions(o.User, o.Password, o.Now)}
	s.resources = map[string]resource{}
	for _, part := range []map[string]resource{s.rootResources(), s.systemResources(), s.managerResources(), s.accountResources()} {
		for path, res := range part {
			s.resources[path] = res
		}
	}
	return s
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.faults.delay(r) {
		panic(http.ErrAbortHandler) // the way to end a request without an answer
	}
	w.Header().Set("OData-Version", "4.0")
	w.Header().Set("Cache-Control", "no-cache")
	if s.faults.Broken.Load() {
		_, _ = io.WriteString(w, "<html>controller is starting")
		return
	}
	err := s.serve(w, r)
	s.log.Debug("redfish request", "method", r.Method, "path", r.URL.Path, "error", err)
	if err != nil {
		writeProblem(w, err)
	}
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) error {
	path := strings.TrimSuffix(r.URL.Path, "/")
	res, known := s.resources[path]
	if id, ok := strings.CutPrefix(path, sessionsPath+"/"); ok && !known {
		res, known = s.sessionResource(id), true
	}
	open := known && (res.open && (r.Method == http.MethodGet || r.Method == http.MethodHead) || res.openPost && r.Method == http.MethodPost)
	if !open {
		if err := s.authorize(w, r); err != nil {
			return err
		}
	}
	if !known {
		return notFound(r.URL.Path)
	}
	do := map[string]func(http.ResponseWriter, *http.Request) error{
		http.MethodGet: res.get, http.MethodHead: res.get, http.MethodPost: res.post,
		http.MethodPatch: res.patch, http.MethodDelete: res.delete,
	}[r.Method]
	if do == nil {
		w.Header().Set("Allow", res.allow())
		return problemf(http.StatusMethodNotAllowed, "OperationNotAllowed", "The HTTP method %s is not allowed on %s.", r.Method, r.URL.Path)
	}
	if s.faults.Conflict.Load() && !res.openPost && r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodDelete {
		return problemf(http.StatusConflict, "ResourceInUse", "The change to the requested resource failed because the resource is in use or in transition.")
	}
	return do(w, r)
}

func (res resource) allow() string {
	var all []string
	if res.get != nil {
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

// show makes a GET of an object that is computed at each request.
func show(f func(r *http.Request) (object, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		o, err := f(r)
		if err != nil {
			return err
		}
		tag := etag(o)
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		writeJSON(w, http.StatusOK, o)
		return nil
	}
}

// fixed makes a GET of an object that never changes.
func fixed(o object) func(http.ResponseWriter, *http.Request) error {
	return show(func(*http.Request) (object, error) { return o, nil })
}

// collection makes a GET of a list of links.
func collection(path, kind, name string, members ...string) func(http.ResponseWriter, *http.Request) error {
	links := make([]any, 0, len(members))
	for _, m := range members {
		links = append(links, link(m))
	}
	return fixed(object{
		"@odata.id": path, "@odata.type": "#" + kind + "." + kind, "Name": name,
		"Members": links, "Members@odata.count": len(links),
	})
}

func link(path string) object { return object{"@odata.id": path} }

// etag is the tag that the object carries, or a digest of it.
func etag(o object) string {
	if tag, ok := o["@odata.etag"].(string); ok {
		return tag
	}
	text, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

func writeJSON(w http.ResponseWriter, status int, o object) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(o) // a client that went away is no concern of ours
}

// readJSON reads a request's object into v, and refuses what is not one.
func readJSON(r *http.Request, v any) error {
	if ct := r.Header.Get("Content-Type"); ct != "" && !strings.HasPrefix(ct, "application/json") {
		return problemf(http.StatusUnsupportedMediaType, "UnrecognizedRequestBody", "The content type %q is not application/json.", ct)
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return problemf(http.StatusBadRequest, "UnrecognizedRequestBody", "The request body could not be read: %v.", err)
	}
	if len(text) > maxBody {
		return problemf(http.StatusRequestEntityTooLarge, "UnrecognizedRequestBody", "The request body is larger than %d bytes.", maxBody)
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if name, ok := unknownField(err); ok {
			return problemf(http.StatusBadRequest, "PropertyUnknown", "The property %s is not in the list of valid properties for the resource.", name).about("#/" + name)
		}
		return problemf(http.StatusBadRequest, "MalformedJSON", "The request body submitted was malformed JSON and could not be parsed by the receiving service: %v.", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return problemf(http.StatusBadRequest, "MalformedJSON", "The request body holds more than one JSON value.")
	}
	return nil
}

func unknownField(err error) (string, bool) {
	name, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	return strings.Trim(name, `"`), ok
}
