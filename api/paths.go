package api

// Paths of the REST API. All of them need "Authorization: Bearer <admin token>".
const (
	PathMachines  = "/api/v1/machines"
	PathEvents    = "/api/v1/events"
	PathStream    = "/api/v1/events/stream" // server-sent events
	PathManifests = "/api/v1/manifests"
	PathBuildOut  = "/api/v1/buildout"
	PathRoles     = "/api/v1/roles"
	PathImages    = "/api/v1/images"
	PathSubnets   = "/api/v1/subnets"
	PathOpenAPI   = "/api/openapi.json" // public
)
