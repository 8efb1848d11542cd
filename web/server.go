package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"socle/inventory"
	"socle/web/ui"
)

// Options is what a Server is made of. Agents, PhoneHome and Images may be nil together: then there are no agent
// endpoints, as on a replica that serves people only.
type Options struct {
	Auth      Authenticator
	Inventory Inventory
	History   History
	Changes   Changes
	Verbs     Verbs
	Power     Power
	Health    Health
	BMCs      BMCs
	Settings  Settings
	Drives    Drives
	Trust     Trust
	Keyring   Keyring
	Disks     Disks
	Finder    Finder
	Told      Told // nil: BMCs are not heard
	Importer  Importer
	Catalogue Catalogue
	Agents    Agents
	PhoneHome PhoneHome
	Images    Images
	Consoles  Consoles // nil: there are no consoles, and Guests is nil, too
	Guests    Guests
	Baselines Baselines
	Campaigns Campaigns
	Measured  Measured
	Outliers  Outliers
	Findings  Findings
	Searches  Searches
	Planner   Planner
	Cabling   Cabling
	Places    Places
	NetBox    NetBox
	Papers    Papers
	Parts     Parts
	Compared  Compared

	Models Models
	Aisle  Aisle

	Acceptance Acceptance

	Certificates Certificates

	BurnIn []inventory.BurnInPlan // how machines are tested before they are ready

	Mappings   Mappings
	Deliveries Deliveries

	Roles   []inventory.Role
	Subnets []inventory.Subnet
	Version string

	Metrics http.Handler                // of Prometheus; nil: /metrics is not there
	Ready   func(context.Context) error // nil: always ready
	Log     *slog.Logger                // nil: nothing is logged
	Now     func() time.Time            // nil: time.Now
	// PlainHTTP leaves the "Secure" mark off the session cookie, for a server without TLS. Tests only.
	PlainHTTP bool
}

// Server is the whole front door as one http.Handler.
type Server struct {
	o       Options
	echo    *echo.Echo
	ui      *ui.Pages
	people  *people
	streams chan struct{} // one place for each open stream
	photos  chan struct{} // one place for each picture that is being read
	// life ends when the server drains. It is no request's context, and the streams watch it beside theirs.
	life  context.Context
	drain context.CancelFunc
}

// maxStreams bounds how many event streams are open at once.
const maxStreams = 512

// New puts the server together; it listens on nothing.
func New(o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	pages, err := ui.New()
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, echo: echo.New(), ui: pages, people: newPeople(o.Now),
		streams: make(chan struct{}, maxStreams), photos: make(chan struct{}, maxPhotos),
	}
	s.life, s.drain = context.WithCancel(context.Background())
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.IPExtractor = echo.ExtractIPDirect() // the peer's address is what evidence is about; headers are not believed
	s.echo.Use(identify, headers, s.contain, deadline, s.compress(), s.guard, unescape)
	s.routes()
	return s, nil
}

func (o Options) check() error {
	var missing []string
	for _, need := range []struct {
		name   string
		absent bool
	}{
		{"Findings", o.Findings == nil}, {"Cabling", o.Cabling == nil}, {"Places", o.Places == nil},
		{"NetBox", o.NetBox == nil},
		{"Papers", o.Papers == nil},
		{"Parts", o.Parts == nil}, {"Compared", o.Compared == nil},
		{"Models", o.Models == nil},
		{"Aisle", o.Aisle == nil},
		{"Acceptance", o.Acceptance == nil},
		{"Certificates", o.Certificates == nil},
		{"Outliers", o.Outliers == nil}, {"Searches", o.Searches == nil}, {"Planner", o.Planner == nil}, {"Measured", o.Measured == nil}, {"Baselines", o.Baselines == nil}, {"Campaigns", o.Campaigns == nil},
		{"Auth", o.Auth == nil}, {"Inventory", o.Inventory == nil}, {"History", o.History == nil},
		{"Changes", o.Changes == nil}, {"Verbs", o.Verbs == nil}, {"Power", o.Power == nil},
		{"Health", o.Health == nil}, {"BMCs", o.BMCs == nil}, {"Trust", o.Trust == nil}, {"Keyring", o.Keyring == nil}, {"Drives", o.Drives == nil}, {"Settings", o.Settings == nil}, {"Disks", o.Disks == nil}, {"Finder", o.Finder == nil}, {"Importer", o.Importer == nil}, {"Mappings", o.Mappings == nil}, {"Deliveries", o.Deliveries == nil}, {"Catalogue", o.Catalogue == nil},
	} {
		if need.absent {
			missing = append(missing, need.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("building the web server: options %s are not set", strings.Join(missing, ", "))
	}
	if (o.Agents == nil) != (o.PhoneHome == nil) || (o.Agents == nil) != (o.Images == nil) {
		return errors.New("building the web server: options Agents, PhoneHome and Images go together")
	}
	if (o.Consoles == nil) != (o.Guests == nil) {
		return errors.New("building the web server: options Consoles and Guests go together")
	}
	return nil
}

// Handler is what an http.Server serves.
func (s *Server) Handler() http.Handler { return s.echo }

// Drain ends the streams and long polls, which would otherwise keep a stopping http.Server waiting. Their
// clients come again, to this process or another.
func (s *Server) Drain() { s.drain() }

// HTTPServer is an http.Server around the handler with bounds on headers and idle connections, which drains
// when it is shut down. The caller sets TLSConfig and serves.
func (s *Server) HTTPServer() *http.Server {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(s.Drain)
	return srv
}

// compress packs pages and JSON, and neither chunks, which are packed already, nor streams.
func (s *Server) compress() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		Level:     5,
		MinLength: 1024,
		Skipper: func(c echo.Context) bool {
			path := c.Request().URL.Path
			return strings.HasPrefix(path, "/agent/") || path == "/live" || path == "/api/v1/events/stream" || path == "/metrics" || isConsole(path)
		},
	})
}

func (s *Server) routes() {
	s.health()
	s.rest()
	if s.o.Agents != nil {
		s.agentRoutes()
	}
	if s.o.Told != nil {
		s.echo.POST(toldRoute, s.told)
	}
	s.pages()
}
