// Keeps an open page fresh: the server says by an event that something changed, the page asks for itself
// again and takes over the parts marked data-live. Without this script the page reloads by itself.
(function () {
  "use strict";
  var busy = false, again = false, lastLine = null;

  function show(state, text) {
    var live = document.getElementById("live");
    live.dataset.state = state;
    live.lastElementChild.textContent = text;
  }

  // inUse tells whether a person is typing into a part, which then stays as it is.
  function inUse(part) {
    var a = document.activeElement;
    if (a && part.contains(a) && /^(INPUT|SELECT|TEXTAREA)$/.test(a.tagName)) return true;
    return Array.prototype.some.call(part.querySelectorAll("input:not([type=hidden]),textarea"), function (i) {
      return i.value !== i.defaultValue;
    });
  }

  function take(part, fresh) {
    if (part.innerHTML === fresh.innerHTML || inUse(part)) return;
    var open = Array.prototype.map.call(part.querySelectorAll("details"), function (d) { return d.open; });
    var a = document.activeElement;
    var href = a && part.contains(a) && a.getAttribute("href");
    part.replaceChildren.apply(part, Array.prototype.slice.call(document.importNode(fresh, true).childNodes));
    part.querySelectorAll("details").forEach(function (d, i) { d.open = !!open[i]; });
    if (href) {
      part.querySelectorAll("a").forEach(function (l) { if (l.getAttribute("href") === href) l.focus(); });
    }
  }

  function announce() {
    var line = document.querySelector("#events li .what");
    var text = line ? line.textContent : "";
    if (lastLine !== null && text !== lastLine) document.getElementById("announce").textContent = text;
    lastLine = text;
  }

  function refresh() {
    if (busy) { again = true; return; }
    if (document.hidden) return;
    busy = true;
    fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin", cache: "no-store" })
      .then(function (r) {
        if (r.redirected || r.status === 401) { location.reload(); throw new Error("logged out"); }
        if (!r.ok) throw new Error("status " + r.status);
        return r.text();
      })
      .then(function (html) {
        var fresh = new DOMParser().parseFromString(html, "text/html");
        fresh.querySelectorAll("[data-live]").forEach(function (f) {
          var part = document.getElementById(f.id);
          if (part) take(part, f); 
        });
        announce();
      })
      .catch(function () { /* the stream's state says that the server is away */ })
      .finally(function () {
        busy = false;
        if (again) { again = false; setTimeout(refresh, 300); }
      });
  }

  var source = new EventSource("/live");
  source.onopen = function () { show("on", "live"); refresh(); };
  source.onerror = function () { show("off", "reconnecting"); };
  source.addEventListener("change", refresh);
  setInterval(refresh, 5000); // times that pass, and progress that another replica hears of
  document.addEventListener("visibilitychange", refresh);
  announce();
})();
