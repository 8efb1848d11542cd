// A terminal for serial consoles, of the kind of a VT220 with colours (ECMA-48, and what xterm made usual): enough for
// firmware menus, boot loaders, installers, editors and shells. It makes no style elements and no inline styles in its
// HTML, so that the page's policy can forbid both. docs/adr/0010 says why it is our own.
"use strict";

class Terminal {
  // box becomes the terminal; send gets what is typed, as a string of which each character is a byte of UTF-8 or ASCII.
  constructor(box, send) {
    this.box = box;
    this.send = send;
    this.decoder = new TextDecoder("utf-8");
    this.scrollMax = 2000;
    this.old = document.createElement("div"); // lines that have scrolled off
    this.now = document.createElement("div"); // the screen
    this.keys = document.createElement("textarea"); // where phones and input methods type
    this.keys.setAttribute("aria-label", "Console: what is typed here goes to the server");
    for (const [name, value] of [["autocapitalize", "off"], ["autocomplete", "off"], ["autocorrect", "off"], ["spellcheck", "false"]]) this.keys.setAttribute(name, value);
    this.old.className = "term-old";
    this.now.className = "term-now";
    this.keys.className = "term-keys";
    box.classList.add("term");
    box.replaceChildren(this.old, this.now, this.keys);
    this.resize(80, 25);
    this.listen();
  }

  // reset is the state after power-on (ECMA-48's RIS); what has scrolled off stays.
  reset() {
    this.state = "text";
    this.args = "";
    this.screens = { main: this.blank(), alt: null };
    this.rows = this.screens.main;
    this.x = this.y = 0;
    this.wrapNext = false;
    this.top = 0;
    this.bottom = this.height - 1;
    this.autowrap = true;
    this.origin = false;
    this.insert = false;
    this.cursorOn = true;
    this.appKeys = false;
    this.bracketed = false;
    this.attr = this.plain();
    this.graphics = [false, false];
    this.shift = 0;
    this.saved = null;
    this.tabs = new Set();
    for (let x = 8; x < 1000; x += 8) this.tabs.add(x);
    this.draw(true);
  }

  resize(width, height) {
    const before = this.rows;
    const y = this.y, x = this.x;
    this.width = width;
    this.height = height;
    this.now.replaceChildren();
    for (let i = 0; i < height; i++) this.now.append(document.createElement("div"));
    this.reset();
    if (!before) return;
    const from = Math.max(0, y - height + 1);
    for (let i = 0; i < height && from + i < before.length; i++) {
      for (let j = 0; j < width && j < before[from + i].length; j++) this.rows[i][j] = before[from + i][j];
    }
    this.y = Math.min(y - from, height - 1);
    this.x = Math.min(x, width - 1);
    this.draw(true);
  }

  plain() { return { fg: null, bg: null, bold: false, dim: false, italic: false, under: false, inverse: false, hidden: false, strike: false }; }
  cell() { return { c: " ", a: this.attr }; }
  line() { return Array.from({ length: this.width }, () => this.cell()); }
  blank() { this.attr = this.plain(); return Array.from({ length: this.height }, () => this.line()); }

  // write takes the server's output in: bytes.
  write(bytes) {
    const stuck = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 8;
    for (const c of this.decoder.decode(bytes, { stream: true })) this.take(c);
    this.schedule(stuck);
  }

  take(c) {
    const n = c.codePointAt(0);
    if (this.state === "string") { // of an operating system command and its like
      if (n === 7 || n === 0x9c) this.state = "text";
      else if (n === 27) this.state = "string-end";
      return;
    }
    if (this.state === "string-end") { this.state = "text"; if (c === "\\") return; return this.escape(c); }
    if (n < 32 || n === 127) return this.control(n);
    switch (this.state) {
      case "text": return this.print(c);
      case "escape": return this.escape(c);
      case "csi":
        if (n >= 0x40 && n <= 0x7e) { this.state = "text"; return this.csi(c, this.args); }
        if (this.args.length < 64) this.args += c;
        return;
      default: // a character set, or something else of one character
        if (this.state === "set0" || this.state === "set1") this.graphics[this.state === "set0" ? 0 : 1] = c === "0";
        this.state = "text";
    }
  }

  control(n) {
    switch (n) {
      case 8: this.x = Math.max(0, this.x - 1); this.wrapNext = false; break;
      case 9: this.wrapNext = false; do { this.x++; } while (this.x < this.width - 1 && !this.tabs.has(this.x)); this.x = Math.min(this.x, this.width - 1); break;
      case 10: case 11: case 12: this.feed(); break;
      case 13: this.x = 0; this.wrapNext = false; break;
      case 14: this.shift = 1; break;
      case 15: this.shift = 0; break;
      case 24: case 26: this.state = "text"; break;
      case 27: this.state = "escape"; this.args = ""; break;
    }
  }

  escape(c) {
    this.state = "text";
    switch (c) {
      case "[": this.state = "csi"; this.args = ""; break;
      case "]": case "P": case "X": case "^": case "_": this.state = "string"; break;
      case "(": this.state = "set0"; break;
      case ")": this.state = "set1"; break;
      case "*": case "+": case "#": case "%": case " ": this.state = "one"; break;
      case "7": this.save(); break;
      case "8": this.restore(); break;
      case "D": this.feed(); break;
      case "E": this.x = 0; this.feed(); break;
      case "M": this.back(); break;
      case "H": this.tabs.add(this.x); break;
      case "c": this.reset(); break;
    }
  }

  save() { this.saved = { x: this.x, y: this.y, attr: this.attr, origin: this.origin, graphics: [...this.graphics], shift: this.shift }; }
  restore() {
    const s = this.saved || { x: 0, y: 0, attr: this.plain(), origin: false, graphics: [false, false], shift: 0 };
    this.x = Math.min(s.x, this.width - 1);
    this.y = Math.min(s.y, this.height - 1);
    this.attr = s.attr;
    this.origin = s.origin;
    this.graphics = [...s.graphics];
    this.shift = s.shift;
    this.wrapNext = false;
  }

  print(c) {
    if (/\p{M}/u.test(c)) { // it belongs to the character before
      const at = this.rows[this.y][this.wrapNext ? this.x : Math.max(0, this.x - 1)];
      if (at.c.length < 16) at.c += c;
      return;
    }
    if (this.wrapNext) { this.x = 0; this.feed(); }
    if (this.graphics[this.shift]) c = Terminal.lines[c] || c;
    const row = this.rows[this.y];
    if (this.insert) { row.splice(this.x, 0, this.cell()); row.length = this.width; }
    row[this.x] = { c: c, a: this.attr };
    if (this.x < this.width - 1) this.x++;
    else this.wrapNext = this.autowrap;
  }

  // feed goes a line down, and scrolls at the bottom.
  feed() {
    this.wrapNext = false;
    if (this.y === this.bottom) this.scroll(1);
    else if (this.y < this.height - 1) this.y++;
  }

  back() {
    this.wrapNext = false;
    if (this.y === this.top) this.scroll(-1);
    else if (this.y > 0) this.y--;
  }

  // scroll moves the region by n lines, up when n is positive.
  scroll(n, from = this.top) {
    const size = this.bottom - from + 1;
    for (let i = 0; i < Math.min(Math.abs(n), size); i++) {
      if (n > 0) {
        const [gone] = this.rows.splice(from, 1);
        this.rows.splice(this.bottom, 0, this.line());
        if (from === 0 && this.rows === this.screens.main) this.keep(gone);
      } else {
        this.rows.splice(this.bottom, 1);
        this.rows.splice(from, 0, this.line());
      }
    }
  }

  keep(row) {
    const div = document.createElement("div");
    this.fill(div, row, -1);
    this.old.append(div);
    while (this.old.childElementCount > this.scrollMax) this.old.firstElementChild.remove();
  }

  csi(c, args) {
    const mark = /^[<=>?]/.test(args) ? args[0] : "";
    const middle = /[ -/]$/.test(args);
    const p = args.replace(/^[<=>?]/, "").split(/[;:]/).map((s) => Math.min(parseInt(s, 10) || 0, 9999));
    const n = Math.max(1, p[0]);
    if (middle) { if (c === "p" && args === "!") this.softReset(); return; }
    if (mark === "?" && (c === "h" || c === "l")) return p.forEach((m) => this.mode(m, c === "h"));
    if (mark !== "") { if (mark === ">" && c === "c") this.send("\x1b[>1;10;0c"); return; }
    const row = this.rows[this.y];
    if (c !== "m") this.wrapNext = false;
    switch (c) {
      case "A": this.y = Math.max(this.y >= this.top ? this.top : 0, this.y - n); break;
      case "B": case "e": this.y = Math.min(this.y <= this.bottom ? this.bottom : this.height - 1, this.y + n); break;
      case "C": case "a": this.x = Math.min(this.width - 1, this.x + n); break;
      case "D": this.x = Math.max(0, this.x - n); break;
      case "E": this.x = 0; this.y = Math.min(this.bottom, this.y + n); break;
      case "F": this.x = 0; this.y = Math.max(this.top, this.y - n); break;
      case "G": case "`": this.x = Math.min(this.width, n) - 1; break;
      case "d": this.moveTo(this.x, n - 1); break;
      case "H": case "f": this.moveTo(Math.max(1, p[1] || 1) - 1, n - 1); break;
      case "I": for (let i = 0; i < Math.min(n, this.width); i++) this.control(9); break;
      case "J": this.erase(p[0]); break;
      case "K": this.eraseLine(row, p[0] === 0 ? this.x : 0, p[0] === 1 ? this.x : this.width - 1); break;
      case "L": if (this.y >= this.top && this.y <= this.bottom) this.scroll(-n, this.y); break;
      case "M": if (this.y >= this.top && this.y <= this.bottom) this.cut(n); break;
      case "P": row.splice(this.x, Math.min(n, this.width - this.x)); while (row.length < this.width) row.push(this.cell()); break;
      case "@": for (let i = 0; i < Math.min(n, this.width - this.x); i++) row.splice(this.x, 0, this.cell()); row.length = this.width; break;
      case "X": this.eraseLine(row, this.x, Math.min(this.x + n, this.width) - 1); break;
      case "S": this.scroll(n); break;
      case "T": this.scroll(-n); break;
      case "c": this.send("\x1b[?62;22c"); break;
      case "n": if (p[0] === 5) this.send("\x1b[0n"); if (p[0] === 6) this.send("\x1b[" + (this.y + 1) + ";" + (this.x + 1) + "R"); break;
      case "g": if (p[0] === 3) this.tabs.clear(); else this.tabs.delete(this.x); break;
      case "h": case "l": if (p.includes(4)) this.insert = c === "h"; break;
      case "m": this.colour(p); break;
      case "r": this.region(p); break;
      case "s": this.save(); break;
      case "u": this.restore(); break;
    }
  }

  softReset() {
    this.attr = this.plain();
    this.top = 0;
    this.bottom = this.height - 1;
    this.autowrap = this.cursorOn = true;
    this.origin = this.insert = this.appKeys = false;
  }

  moveTo(x, y) {
    if (this.origin) y = Math.min(y + this.top, this.bottom);
    this.x = Math.max(0, Math.min(x, this.width - 1));
    this.y = Math.max(0, Math.min(y, this.height - 1));
  }

  // cut takes lines out at the cursor; they are not kept.
  cut(n) {
    const main = this.screens.main;
    this.screens.main = null;
    this.scroll(n, this.y);
    this.screens.main = main;
  }

  region(p) {
    const top = Math.max(1, p[0]) - 1, bottom = Math.min(p[1] || this.height, this.height) - 1;
    if (top >= bottom) return;
    this.top = top;
    this.bottom = bottom;
    this.moveTo(0, 0);
  }

  erase(what) {
    const last = this.width - 1;
    if (what === 3) return this.old.replaceChildren();
    for (let y = 0; y < this.height; y++) {
      if (what === 2 || what === 0 && y > this.y || what === 1 && y < this.y) this.eraseLine(this.rows[y], 0, last);
    }
    if (what === 0) this.eraseLine(this.rows[this.y], this.x, last);
    if (what === 1) this.eraseLine(this.rows[this.y], 0, this.x);
  }

  eraseLine(row, from, to) {
    const a = this.plain();
    a.bg = this.attr.bg;
    for (let x = from; x <= to; x++) row[x] = { c: " ", a: a };
  }

  mode(m, on) {
    switch (m) {
      case 1: this.appKeys = on; break;
      case 6: this.origin = on; this.moveTo(0, 0); break;
      case 7: this.autowrap = on; break;
      case 25: this.cursorOn = on; break;
      case 2004: this.bracketed = on; break;
      case 47: case 1047: case 1049:
        if (on === (this.rows !== this.screens.main)) return;
        if (on) {
          if (m === 1049) this.save();
          const attr = this.attr;
          this.screens.alt = this.blank();
          this.attr = attr;
          this.rows = this.screens.alt;
        } else {
          this.rows = this.screens.main;
          if (m === 1049) this.restore();
        }
    }
  }

  // colour is "select graphic rendition" (ECMA-48, 8.3.117), with 256 and all colours.
  colour(p) {
    const a = Object.assign({}, this.attr);
    for (let i = 0; i < p.length; i++) {
      const n = p[i];
      if (n === 0) Object.assign(a, this.plain());
      else if (n === 1) a.bold = true;
      else if (n === 2) a.dim = true;
      else if (n === 3) a.italic = true;
      else if (n === 4 || n === 21) a.under = true;
      else if (n === 7) a.inverse = true;
      else if (n === 8) a.hidden = true;
      else if (n === 9) a.strike = true;
      else if (n === 22) a.bold = a.dim = false;
      else if (n === 23) a.italic = false;
      else if (n === 24) a.under = false;
      else if (n === 27) a.inverse = false;
      else if (n === 28) a.hidden = false;
      else if (n === 29) a.strike = false;
      else if (n >= 30 && n <= 37) a.fg = n - 30;
      else if (n === 39) a.fg = null;
      else if (n >= 40 && n <= 47) a.bg = n - 40;
      else if (n === 49) a.bg = null;
      else if (n >= 90 && n <= 97) a.fg = n - 82;
      else if (n >= 100 && n <= 107) a.bg = n - 92;
      else if (n === 38 || n === 48) {
        const to = n === 38 ? "fg" : "bg";
        if (p[i + 1] === 5) { a[to] = Terminal.of256(p[i + 2] || 0); i += 2; }
        else if (p[i + 1] === 2) { a[to] = "rgb(" + p.slice(i + 2, i + 5).map((v) => Math.min(v, 255)).join(",") + ")"; i += 4; }
      }
    }
    this.attr = a;
  }

  static of256(n) {
    if (n < 16) return n;
    if (n > 231) { const v = 8 + 10 * (Math.min(n, 255) - 232); return "rgb(" + v + "," + v + "," + v + ")"; }
    const part = (v) => v === 0 ? 0 : 55 + 40 * v;
    n -= 16;
    return "rgb(" + part(Math.floor(n / 36)) + "," + part(Math.floor(n / 6) % 6) + "," + part(n % 6) + ")";
  }

  // schedule draws once for all that comes until the next frame.
  schedule(stuck) {
    this.stick = this.stick || stuck;
    if (this.waiting) return;
    this.waiting = true;
    const draw = () => { this.waiting = false; const s = this.stick; this.stick = false; this.draw(s); };
    if (document.hidden) setTimeout(draw, 100); // there are no frames
    else requestAnimationFrame(draw);
  }

  draw(stick) {
    this.rows.forEach((row, y) => this.fill(this.now.children[y], row, y === this.y && this.cursorOn ? this.x : -1));
    if (stick) this.box.scrollTop = this.box.scrollHeight;
  }

  // fill shows a row: runs of the same look in one element each.
  fill(div, row, cursor) {
    const spans = [];
    for (let x = 0; x < row.length;) {
      const a = row[x].a, start = x;
      let text = "";
      do { text += row[x].c; x++; } while (x < row.length && x !== cursor && x - 1 !== cursor && Terminal.same(row[x].a, a));
      spans.push(this.span(text, a, start === cursor));
    }
    const key = spans.map((s) => s.className + s.style.cssText + s.textContent).join("\n");
    if (div.shown === key) return;
    div.shown = key;
    div.replaceChildren(...spans);
  }

  static same(a, b) { return a === b || Object.keys(a).every((k) => a[k] === b[k]); }

  span(text, a, cursor) {
    const s = document.createElement("span");
    s.textContent = text;
    let fg = a.fg, bg = a.bg;
    if (a.bold && typeof fg === "number" && fg < 8) fg += 8;
    const names = [];
    for (const k of ["bold", "dim", "italic", "under", "inverse", "hidden", "strike"]) if (a[k]) names.push("t-" + k);
    if (typeof fg === "number") names.push("t-f" + fg);
    if (typeof bg === "number") names.push("t-b" + bg);
    if (cursor) names.push("t-cursor");
    if (names.length) s.className = names.join(" ");
    if (typeof fg === "string") s.style.setProperty(a.inverse ? "background" : "color", fg);
    if (typeof bg === "string") s.style.setProperty(a.inverse ? "color" : "background", bg);
    return s;
  }

  listen() {
    this.box.addEventListener("mouseup", () => { if (String(getSelection()) === "") this.keys.focus({ preventScroll: true }); });
    this.keys.addEventListener("keydown", (e) => {
      const text = this.key(e);
      if (text === null) return;
      e.preventDefault();
      this.send(text);
    });
    this.keys.addEventListener("input", (e) => {
      if (e.isComposing) return;
      const text = this.keys.value;
      this.keys.value = "";
      if (text) this.send(text.replace(/\r?\n/g, "\r"));
    });
    this.keys.addEventListener("paste", (e) => {
      e.preventDefault();
      const text = e.clipboardData.getData("text/plain").replace(/\r?\n/g, "\r");
      this.send(this.bracketed ? "\x1b[200~" + text + "\x1b[201~" : text);
    });
  }

  // key is what a key sends; null leaves it to the browser.
  key(e) {
    if (e.isComposing || e.metaKey) return null;
    const cursor = { ArrowUp: "A", ArrowDown: "B", ArrowRight: "C", ArrowLeft: "D", Home: "H", End: "F" }[e.key];
    if (cursor) return "\x1b" + (this.appKeys ? "O" : "[") + cursor;
    const fixed = Terminal.keys[e.key];
    if (fixed !== undefined) return e.altKey ? "\x1b" + fixed : fixed;
    if (e.key === "Tab" && e.shiftKey) return "\x1b[Z";
    if (e.ctrlKey && !e.altKey && e.key.length === 1) {
      if (e.shiftKey && /[cv]/i.test(e.key)) return null; // copy and paste
      const k = e.key.toUpperCase();
      if (k >= "@" && k <= "_") return String.fromCharCode(k.charCodeAt(0) - 64);
      if (k === " ") return "\0";
      return null;
    }
    if (e.altKey && !e.ctrlKey && e.key.length === 1) return "\x1b" + e.key;
    return null;
  }
}

// What keys send that is always the same.
Terminal.keys = {
  Enter: "\r", Backspace: "\x7f", Escape: "\x1b", Tab: "\t", Insert: "\x1b[2~", Delete: "\x1b[3~", PageUp: "\x1b[5~", PageDown: "\x1b[6~",
  F1: "\x1bOP", F2: "\x1bOQ", F3: "\x1bOR", F4: "\x1bOS", F5: "\x1b[15~", F6: "\x1b[17~", F7: "\x1b[18~", F8: "\x1b[19~",
  F9: "\x1b[20~", F10: "\x1b[21~", F11: "\x1b[23~", F12: "\x1b[24~",
};

// The line drawing characters of DEC.
Terminal.lines = Object.fromEntries(Array.from("`afgijklmnopqrstuvwxyz{|}~").map((c, i) => [c, Array.from("◆▒°±␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")[i]]));
