package simulate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadScript(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want script
	}{
		"start": {"#!ipxe\nset attempts:int32 0\n:ask\necho ${netX/mac} asks\nchain --replace --autofree http://h/s?mac=${netX/mac}&serial=${serial:uristring}&asset=${asset:uristring} || goto failed\nsleep 5\ngoto ask\n",
			script{chain: "http://h/s?mac=52:54:00:00:00:01&serial=A%20B&asset="}},
		"ramdisk": {"imgfree ||\n:kernel\nkernel --name vmlinuz http://h/k initrd=initrd a=b || goto failed\n:initrd\ninitrd --name initrd http://h/i || goto failed\nboot vmlinuz || goto failed\nsleep 30\nchain http://h/again\n",
			script{kernel: "http://h/k", initrd: "http://h/i", params: []string{"initrd=initrd", "a=b"}}},
		"disk of UEFI":    {"echo Socle\nexit 1\n", script{disk: true}},
		"disk of BIOS":    {":disk\nsanboot --no-describe --drive 0x80 || goto failed\nsleep 30\n", script{disk: true}},
		"nothing to boot": {":nothing\nsleep 60\nchain --replace http://h/start || goto nothing\n", script{chain: "http://h/start", after: time.Minute}},
		"stranger":        {"sleep 15\nifclose netX\ndhcp ||\nchain http://h/start || goto stranger\n", script{chain: "http://h/start", after: 15 * time.Second, address: true}},
		"cut off":         {"chain --name", script{}},
		"open variable":   {"chain http://h/${mac", script{chain: "http://h/"}},
	} {
		got := readScript(c.text, map[string]string{"netX/mac": "52:54:00:00:00:01", "serial": "A B"})
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(script{})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func FuzzReadScript(f *testing.F) {
	f.Add("chain --replace --autofree http://h/s?mac=${netX/mac} || goto failed\n")
	f.Add("kernel --name vmlinuz http://h/k a=b\ninitrd http://h/i\nboot\n")
	f.Add("sleep 99999999999999999999\nexit ${:} }")
	f.Fuzz(func(t *testing.T, text string) {
		s := readScript(text, map[string]string{"serial": "x y"})
		if s.after < 0 || s.after > time.Hour {
			t.Errorf("it waits %s", s.after)
		}
		for _, word := range append(s.params, s.kernel, s.initrd, s.chain) {
			if strings.ContainsAny(word, " \n") {
				t.Errorf("a word is %q", word)
			}
		}
	})
}

func TestReadSeed(t *testing.T) {
	own := "#cloud-config\nwrite_files:\n- {path: /ca.crt, content: PEM}\n- {path: /etc/socle/phone-home.json, content: '{\"url\": \"https://h/x\", \"ca\": \"/ca.crt\"}'}\n"
	foreign := "#cloud-config\nca_certs: {trusted: [PEM]}\nphone_home: {url: 'https://h/x', post: [hostname], tries: 3}\n"
	for name, text := range map[string]string{"our image": own, "another image": foreign} {
		if got, err := readSeed(text); err != nil || got.url != "https://h/x" || string(got.ca) != "PEM" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, text := range []string{"", "#cloud-config\nusers: []\n", "write_files: 3\n"} {
		if _, err := readSeed(text); err == nil {
			t.Errorf("%q is a seed", text)
		}
	}
}
