package seed

// caCerts is cloud-init's module of that name: it adds the authority to what the whole system trusts, so that
// the module phone_home, whose requests know no other authority, can call Socle over TLS. Its name has an
// underscore in Debian 12's cloud-init (22.4) and newer ones; old ones know it with a hyphen only.
type caCerts struct {
	Trusted []string `yaml:"trusted"`
}

// phoneHome is cloud-init's module of that name, which runs last in a first boot: it posts a form until it gets a
// 2xx answer.
type phoneHome struct {
	URL   string   `yaml:"url"`
	Post  []string `yaml:"post"`
	Tries int      `yaml:"tries"`
}

// phoneHomeTries is for how long an image calls that is not ours: the module waits 3 s between two calls and 5 s
// for an answer, so at least for 10 minutes. Its default is 10 times, too few for a server that restarts.
const phoneHomeTries = 200

// synced runs before cloud-init's phone_home: who hears that a system is up may cut its power at once, and the files
// of a first boot, host keys and network among them, would come back empty.
var synced = [][]string{{"sync"}}

// foreign is the same for cloud-init's own modules as programFiles are for Socle's programs.
func (in Input) foreign() (*caCerts, *phoneHome) {
	var ca *caCerts
	if len(in.CAPEM) > 0 {
		ca = &caCerts{Trusted: []string{string(in.CAPEM)}}
	}
	if in.PhoneHomeURL.Empty() {
		return ca, nil
	}
	return ca, &phoneHome{URL: in.PhoneHomeURL.Reveal(), Post: []string{"instance_id", "hostname", "fqdn"}, Tries: phoneHomeTries}
}
