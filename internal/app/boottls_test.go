package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/internal/config"
)

// TestBootHTTPS: each of the two ports speaks its own protocol, and only who trusts boot-ca.crt gets on by TLS.
func TestBootHTTPS(t *testing.T) {
	c := config.Default()
	c.DataDir, c.Listen, c.Boot.Listen, c.Boot.TLS, c.Services = t.TempDir(), freeAddr(t), freeAddr(t), freeAddr(t), []string{"boot"}
	said := &words{news: make(chan struct{}, 1)}
	k, err := open(t.Context(), c, "test", slog.New(slog.NewTextHandler(said, nil)))
	must(t, err)
	defer k.close()
	tasks, err := k.bootTasks(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, task := range tasks {
		running.Go(func() {
			if err := task.Run(ctx); err != nil {
				t.Errorf("%s: %v", task.Name, err)
			}
		})
	}
	defer running.Wait()
	defer cancel()

	trusting := func(file string) *http.Client {
		text, err := os.ReadFile(filepath.Join(c.DataDir, file))
		must(t, err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
	}
	get := func(client *http.Client, url string) (int, error) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		must(t, err)
		r, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		return r.StatusCode, r.Body.Close()
	}
	firmware := trusting("boot-ca.crt")
	const program = "/boot/machine.efi?mac=52:54:00:00:00:0a"
	if status, err := get(firmware, "http://"+c.Boot.Listen+program); err != nil || status != http.StatusForbidden {
		t.Errorf("the program in clear: %d, %v", status, err)
	}
	for range 4 { // a listener that two servers share would answer by turns
		if status, err := get(firmware, "https://"+c.Boot.TLS+"/boot/start.ipxe"); err != nil || status != http.StatusOK {
			t.Errorf("over TLS: %d, %v", status, err)
		}
		if status, err := get(firmware, "http://"+c.Boot.Listen+"/boot/start.ipxe"); err != nil || status != http.StatusOK {
			t.Errorf("in clear: %d, %v", status, err)
		}
	}
	if status, err := get(trusting("ca.crt"), "https://"+c.Boot.TLS+program); err == nil {
		t.Errorf("who trusts the API's authority only got %d", status)
	}
	said.await(t, "TLS handshake error")
	// The same as curl, which is of OpenSSL, sees it.
	for _, tc := range []struct {
		argv []string
		want string // the status, or 000 for no connection
	}{
		{[]string{"--tls-max", "1.2", "--ciphers", "AES128-GCM-SHA256"}, "200"}, // key exchange by RSA: all that Debian 12's OVMF can
		{[]string{"--tls-max", "1.2"}, "200"},
		{[]string{"--tlsv1.3"}, "200"},
		{[]string{"--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"}, "000"},
		{[]string{"--tls-max", "1.2", "--ciphers", "DES-CBC3-SHA:AES128-SHA@SECLEVEL=0"}, "000"},
	} {
		argv := append([]string{"-sS", "--max-time", "20", "-o", os.DevNull, "-w", "%{http_code}", "--cacert", filepath.Join(c.DataDir, "boot-ca.crt")}, tc.argv...)
		out, _ := exec.CommandContext(ctx, "curl", append(argv, "https://"+c.Boot.TLS+"/boot/start.ipxe")...).Output() // the status says it
		if string(out) != tc.want {
			t.Errorf("curl %v: %s, not %s", tc.argv, out, tc.want)
		}
	}
}

// words is what a log says.
type words struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
	return w.text.Write(b)
}

func (w *words) await(t *testing.T, want string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		w.mu.Lock()
		text := w.text.String()
		w.mu.Unlock()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-w.news:
		case <-late:
			t.Fatalf("the log does not say %q:\n%s", want, text)
		}
	}
}
