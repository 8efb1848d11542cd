// Command screenshot takes the picture of the dashboard for the README from a running demo:
//
//	go run ./hack/screenshot -data var/demo/data -out docs/img/dashboard.png
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	server := flag.String("server", "https://localhost:8443", "where the dashboard is")
	path := flag.String("path", "/", "which page")
	data := flag.String("data", "var/demo/data", "data folder with the admin token")
	out := flag.String("out", "docs/img/dashboard.png", "picture")
	width := flag.Int64("width", 1400, "of the window, pixels")
	height := flag.Int64("height", 1000, "of the window, pixels")
	dark := flag.Bool("dark", false, "as a browser that prefers dark colours shows it")
	flag.Parse()
	if err := shoot(*server, *path, *data, *out, *width, *height, *dark); err != nil {
		fmt.Fprintln(os.Stderr, "screenshot:", err)
		os.Exit(1)
	}
}

func shoot(server, path, data, out string, width, height int64, dark bool) (err error) {
	token, err := os.ReadFile(filepath.Join(data, "admin-token"))
	if err != nil {
		return fmt.Errorf("reading the admin token: %w", err)
	}
	profile, err := os.MkdirTemp("", "screenshot-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(profile)) }()
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath("/usr/bin/chromium"), chromedp.UserDataDir(profile)}
	for _, f := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage", "ignore-certificate-errors"} {
		opts = append(opts, chromedp.Flag(f, true))
	}
	if dark {
		opts = append(opts, chromedp.Flag("blink-settings", "preferredColorScheme=0"))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	defer stop()
	ctx, cancel := chromedp.NewContext(alloc)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil { // the first call's context owns the browser
		return err
	}
	ctx, end := context.WithTimeout(ctx, time.Minute)
	defer end()
	err = chromedp.Do(ctx, chromedp.EmulateViewport(width, height), chromedp.Navigate(server+"/"),
		chromedp.SendKeys(chromedp.CSS("#token"), strings.TrimSpace(string(token))+"\r"), chromedp.WaitVisible(chromedp.CSS("#machines")),
		chromedp.Navigate(server+path), chromedp.WaitVisible(chromedp.CSS("main")))
	if err != nil {
		return err
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return os.WriteFile(out, png, 0o644)
}
