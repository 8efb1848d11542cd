//go:build e2e

package web_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"socle/web"
	"socle/web/webtest"
)

const screen = `Array.from(document.querySelectorAll(".term-now > div"), d => d.textContent.trimEnd()).join("\n").trimEnd()`

// startTLS is start as it is in earnest: TLS, HTTP/2 for those who offer it, and a cookie that needs TLS.
func startTLS(t *testing.T) *httptest.Server {
	t.Helper()
	world := webtest.New(t.TempDir(), time.Now)
	world.Fill()
	s, err := web.New(world.Options())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(s.Handler())
	srv.Config, srv.EnableHTTP2 = s.HTTPServer(), true
	srv.StartTLS()
	t.Cleanup(func() { s.Drain(); srv.Close() })
	return srv
}

// TestBrowserConsoleE2E: a real browser opens a console, types and sees the echo, loses it to another and takes it back,
// replays a recording and searches; the page's policy has nothing to refuse.
func TestBrowserConsoleE2E(t *testing.T) {
	srv := startTLS(t)
	ctx := browser(t, srv.URL)
	steps(ctx, t, chromedp.Navigate(srv.URL+"/machines/hv01"), chromedp.Click(chromedp.CSS(`a[href$="/console"]`)), chromedp.WaitVisible(chromedp.CSS("#terminal")))
	eval[bool](ctx, t, `window.refused = [], document.addEventListener("securitypolicyviolation", e => window.refused.push(e.blockedURI + " " + e.violatedDirective)), true`)
	eventually(ctx, t, `document.getElementById("console-state").textContent.includes("you hold it")`)
	eventually(ctx, t, screen+` === "hv01 login:"`)
	if got := eval[string](ctx, t, `document.querySelector(".t-bold").textContent + getComputedStyle(document.querySelector(".t-bold")).color`); !strings.HasPrefix(got, "hv01rgb(86, 217, 138)") {
		t.Errorf("the name is shown as %s", got)
	}
	steps(ctx, t, chromedp.SendKeys(chromedp.CSS(".term-keys"), "root\r"))
	eventually(ctx, t, screen+` === "hv01 login: root"`)
	steps(ctx, t, chromedp.SendKeys(chromedp.CSS(".term-keys"), "uname -a"))
	eventually(ctx, t, screen+` === "uname -ain: root"`)

	other := openConsole(t, srv, "?take=true")
	other.shows("uname -a")
	eventually(ctx, t, `document.getElementById("console-state").textContent.includes("took the console over from")`)
	steps(ctx, t, chromedp.Click(chromedp.CSS(`[data-do=take]`)))
	eventually(ctx, t, `document.getElementById("console-state").textContent.includes("you hold it")`)
	steps(ctx, t, chromedp.Click(chromedp.CSS(`[data-do=break]`)))
	other.shows("<break>")

	steps(ctx, t, chromedp.SendKeys(chromedp.CSS("[name=q]"), "UNAME\r"), chromedp.WaitVisible(chromedp.CSS(".log .what")))
	if got := eval[string](ctx, t, `document.querySelector(".log .what").textContent`); !strings.Contains(got, "uname -a") {
		t.Errorf("found %q", got)
	}
	steps(ctx, t, chromedp.Click(chromedp.CSS("[data-play]")))
	eventually(ctx, t, `document.getElementById("console-state").textContent === "the recording has ended"`)
	eventually(ctx, t, screen+`.startsWith("uname -a<break>")`)
	steps(ctx, t, chromedp.Click(chromedp.CSS("#live-again")))
	eventually(ctx, t, `document.getElementById("terminal").dataset.state === "up"`)
	if v := eval[string](ctx, t, `(window.refused || []).join("; ")`); v != "" {
		t.Errorf("the policy refused %s", v)
	}
}

// TestBrowserTerminalE2E: the terminal shows what a VT220 would.
func TestBrowserTerminalE2E(t *testing.T) {
	_, srv := start(t)
	ctx := browser(t, srv.URL)
	steps(ctx, t, chromedp.Navigate(srv.URL+"/machines/hv01/console"), chromedp.WaitVisible(chromedp.CSS("#terminal")))
	eval[bool](ctx, t, `window.sent = "", window.term = new Terminal(document.createElement("div"), s => { window.sent += s; }), true`)
	shows := func(in string) string {
		t.Helper()
		quoted, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		return eval[string](ctx, t, `(() => { term.resize(20, 5); term.reset(); term.old.replaceChildren(); sent = ""; const b = new TextEncoder().encode(`+string(quoted)+`);
			for (const c of b) term.write(new Uint8Array([c])); // in any pieces
			term.draw(); return Array.from(term.now.children, d => d.textContent.trimEnd()).join("\n").trimEnd() + "|" + (term.x + 1) + "," + (term.y + 1) + "|" + sent; })()`)
	}
	for _, c := range []struct{ name, in, want string }{
		{"text", "one\r\ntwo", "one\ntwo|4,2|"},
		{"wrap at the edge", strings.Repeat("x", 21), strings.Repeat("x", 20) + "\nx|2,2|"},
		{"no wrap before the next", strings.Repeat("x", 20), strings.Repeat("x", 20) + "|20,1|"},
		{"scroll", "1\r\n2\r\n3\r\n4\r\n5\r\n6", "2\n3\n4\n5\n6|2,5|"},
		{"cursor", "\x1b[2;3Hx\x1b[Ay\x1b[5Dz", "z  y\n  x|2,1|"},
		{"beyond the edges", "\x1b[99;99Hx\x1b[99A\x1b[99Dy", "y\n\n\n\n                   x|2,1|"},
		{"erase", "abcdef\x1b[4D\x1b[Kx\x1b[1Ky", "   y|5,1|"},
		{"clear", "abc\r\ndef\x1b[2J\x1b[Hx", "x|2,1|"},
		{"insert and delete", "abcdef\x1b[1G\x1b[2P\x1b[3@\x1b[2C\x1b[1X", "   cdef|3,1|"},
		{"lines", "1\r\n2\r\n3\x1b[1;1H\x1b[Lx\x1b[3;1H\x1b[M", "x\n1\n3|1,3|"},
		{"region", "a\r\nb\r\nc\r\nd\r\ne\x1b[2;4r\x1b[4;1H\nX", "a\nc\nd\nX\ne|2,4|"},
		{"reverse feed", "a\r\nb\x1b[1;1H\x1bMx", "x\na\nb|2,1|"},
		{"save and restore", "ab\x1b7\x1b[4;4H\x1b8c", "abc|4,1|"},
		{"alternate screen", "main\x1b[?1049h\x1b[Hother\x1b[?1049l!", "main!|6,1|"},
		{"line drawing", "\x1b(0lqk\x1b(Bx", "┌─┐x|5,1|"},
		{"shift out", "\x1b)0\x0eq\x0fq", "─q|3,1|"},
		{"tabs", "a\tb\tc", "a       b       c|18,1|"},
		{"backspace", "abc\b\bX", "aXc|3,1|"},
		{"UTF-8 in pieces", "grüß ─", "grüß ─|7,1|"},
		{"broken UTF-8 and controls", "a\x00\x07b\x7f", "ab|3,1|"},
		{"strings are not shown", "\x1b]0;title\x07a\x1bPq#0\x1b\\b", "ab|3,1|"},
		{"where are you", "\x1b[3;4H\x1b[6n", "|4,3|\x1b[3;4R"},
		{"who are you", "\x1b[c\x1b[5n", "|1,1|\x1b[?62;22c\x1b[0n"},
		{"combining", "e\u0301x", "e\u0301x|3,1|"},
		{"cancelled", "\x1b[12\x18ab", "ab|3,1|"},
		{"huge numbers", "\x1b[99999999999Cx\x1b[99999999S", "|20,1|"},
		{"resize by wrong region", "\x1b[9;2r\x1b[1;99rx", "x|2,1|"},
	} {
		if got := shows(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	look := func(in string) string {
		shows(in)
		return eval[string](ctx, t, `Array.from(term.now.children[0].querySelectorAll("span[class]:not(.t-cursor),span[style]"), s => s.textContent + ":" + s.className + ":" + s.style.cssText).join("|")`)
	}
	for in, want := range map[string]string{
		"\x1b[31mred\x1b[0m":                  "red:t-f1:",
		"\x1b[1;33;44mx\x1b[m":                "x:t-bold t-f11 t-b4:",
		"\x1b[38;5;196mx\x1b[0m":              "x::color: rgb(255, 0, 0);",
		"\x1b[48;2;1;2;3;4mx\x1b[0m":          "x:t-under:background: rgb(1, 2, 3);",
		"\x1b[7mx\x1b[27my\x1b[97mz\x1b[39m ": "x:t-inverse:|z:t-f15:",
	} {
		if got := look(in); got != want {
			t.Errorf("%q looks like %s, want %s", in, got, want)
		}
	}
	keys := func(js string) string {
		return eval[string](ctx, t, `(() => { const f = e => term.key(Object.assign({ altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, isComposing: false }, e)); return JSON.stringify([`+js+`]); })()`)
	}
	if got := keys(`f({key:"Enter"}), f({key:"ArrowUp"}), f({key:"F2"}), f({key:"c",ctrlKey:true}), f({key:"C",ctrlKey:true,shiftKey:true}), f({key:"x",altKey:true}), f({key:"a"}), f({key:"Delete"}), f({key:"[",ctrlKey:true}), f({key:"Backspace"})`); got != `["\r","\u001b[A","\u001bOQ","\u0003",null,"\u001bx",null,"\u001b[3~","\u001b","`+"\x7f"+`"]` {
		t.Errorf("keys are %s", got)
	}
	shows("\x1b[?1h")
	if got := keys(`f({key:"ArrowUp"})`); got != `["\u001bOA"]` {
		t.Errorf("in application mode: %s", got)
	}
	timeOfMuch(ctx, t)
}

// timeOfMuch: a megabyte is shown in bounded time and memory.
func timeOfMuch(ctx context.Context, t *testing.T) {
	t.Helper()
	ms := eval[float64](ctx, t, `(() => { term.resize(80, 25); const b = new TextEncoder().encode(("\x1b[32m[  OK  ]\x1b[0m Started a unit of the system.\r\n").repeat(20000)); const t0 = performance.now(); for (let i = 0; i < b.length; i += 4096) term.write(b.subarray(i, i + 4096)); term.draw(); return performance.now() - t0; })()`)
	kept := eval[int](ctx, t, `term.old.childElementCount`)
	t.Logf("%d bytes in %.0f ms", 20000*54, ms)
	if ms > 20000 || kept != 2000 {
		t.Errorf("it took %.0f ms, and %d lines are kept", ms, kept)
	}
}
