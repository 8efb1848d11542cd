// The page of a console: a terminal and its WebSocket, and the replay of recordings in the same terminal.
(function () {
  "use strict";
  const box = document.getElementById("terminal");
  const encoder = new TextEncoder();
  const say = document.getElementById("console-state");
  const buttons = document.querySelectorAll("[data-do]");
  let socket = null, pause = 1000, timer = 0, playing = null;

  const terminal = new Terminal(box, function (text) {
    if (socket && socket.readyState === WebSocket.OPEN && !playing) socket.send(encoder.encode(text));
  });

  function show(state, holding, text) {
    box.dataset.state = state;
    box.dataset.holding = holding ? "yes" : "no";
    say.textContent = text;
    buttons.forEach(function (b) {
      const live = state !== "off" && state !== "replay";
      b.disabled = !live || (b.dataset.do === "take" ? holding && state === "up" : !holding);
    });
  }

  function notice(n) {
    let text = "console " + n.state;
    if (n.holding) text += ", you hold it";
    else if (n.holder) text += ", " + n.holder + " holds it";
    else text += ", nobody holds it";
    if (n.text) text += ": " + n.text;
    show(n.state, n.holding, text);
  }

  function connect() {
    clearTimeout(timer);
    const url = new URL(box.dataset.socket, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = function () { pause = 1000; terminal.reset(); };
    socket.onmessage = function (m) {
      if (typeof m.data === "string") notice(JSON.parse(m.data));
      else if (!playing) terminal.write(new Uint8Array(m.data));
    };
    socket.onclose = function (e) {
      if (playing) return;
      if (e.code === 1008) { location.reload(); return; } // the login has ended
      show("off", false, "not connected; trying again");
      timer = setTimeout(connect, pause);
      pause = Math.min(2 * pause, 15000);
    };
  }

  function command(c) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(c));
  }

  buttons.forEach(function (b) {
    b.addEventListener("click", function () {
      if (b.dataset.do === "size") {
        const one = document.createElement("span");
        one.textContent = "0".repeat(10);
        terminal.now.firstElementChild.append(one);
        const r = one.getBoundingClientRect();
        one.remove();
        const cols = Math.max(80, Math.min(250, Math.floor((box.clientWidth - 16) / (r.width / 10))));
        const rows = Math.max(25, Math.min(100, Math.floor(box.clientHeight / r.height)));
        terminal.resize(cols, rows);
        command({ do: "resize", cols: cols, rows: rows });
        terminal.send("stty rows " + rows + " cols " + cols + "\r");
      } else {
        command({ do: b.dataset.do });
      }
      terminal.keys.focus({ preventScroll: true });
    });
  });

  // play shows a recording; the live console is there again afterwards.
  function play(path, speed) {
    if (playing) playing.stop = true;
    const me = playing = { stop: false };
    if (socket) socket.close();
    terminal.resize(80, 25);
    terminal.reset();
    show("replay", false, "loading the recording");
    fetch(path, { credentials: "same-origin" }).then(function (r) {
      if (!r.ok) throw new Error("status " + r.status);
      return r.text();
    }).then(function (text) {
      const lines = text.trim().split("\n");
      const start = JSON.parse(lines[0]).timestamp * 1000;
      let i = 1, last = 0;
      function step() {
        for (;;) {
          if (me.stop || me !== playing) return;
          if (i >= lines.length) { show("replay", false, "the recording has ended"); return; }
          const e = JSON.parse(lines[i]);
          const wait = speed ? (e[0] - last) * 1000 / speed : 0;
          if (wait > 15) { last = e[0]; setTimeout(step, wait); return; }
          last = e[0];
          i++;
          const size = e[1] === "r" && /^(\d+)x(\d+)$/.exec(e[2]);
          if (e[1] === "o") terminal.write(encoder.encode(e[2]));
          else if (size) terminal.resize(Math.min(Number(size[1]), 250), Math.min(Number(size[2]), 100));
          const remark = e[1] === "m" ? ": " + e[2] : "";
          show("replay", false, "replay, " + new Date(start + e[0] * 1000).toISOString().replace("T", " ").slice(0, 19) + remark);
        }
      }
      step();
    }).catch(function (err) { show("replay", false, "the recording cannot be played: " + err.message); });
  }

  document.addEventListener("click", function (e) {
    const b = e.target.closest("[data-play]");
    if (!b) return;
    e.preventDefault();
    play(b.dataset.play, Number(document.getElementById("speed").value));
    box.scrollIntoView({ block: "nearest" });
  });
  document.getElementById("live-again").addEventListener("click", function () {
    if (playing) playing.stop = true;
    playing = null;
    terminal.resize(80, 25);
    if (socket) socket.onclose = null;
    connect();
    terminal.keys.focus({ preventScroll: true });
  });

  show("off", false, "connecting");
  connect();
  terminal.keys.focus({ preventScroll: true });
})();
