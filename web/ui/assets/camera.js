// The camera as a scanner on the page of a rack: it fills the form with the code that it sees. The browser reads the code
// itself where it can (the Shape Detection API), else the server reads frames. Without a camera the page stays as it is.
(function () {
  "use strict";
  const box = document.getElementById("camera");
  const devices = navigator.mediaDevices;
  if (!box || !devices || !devices.getUserMedia) return; // also where the page did not come over TLS
  const start = box.querySelector("button"), video = box.querySelector("video"), say = box.querySelector("[role=status]");
  const code = document.querySelector("form.scan input[name=code]"), photo = document.getElementById("photo");
  const kinds = ["qr_code", "data_matrix", "code_128", "code_39"];
  const most = 960, pause = 400, patience = 60000; // pixels, ms between frames, ms until it gives up
  let stream = null, timer = 0, until = 0, reader = null;

  function stop(text) {
    clearTimeout(timer);
    if (stream) stream.getTracks().forEach(function (t) { t.stop(); });
    stream = null;
    video.srcObject = null;
    video.hidden = true;
    start.textContent = "Scan with the camera";
    say.textContent = text || "";
  }

  function found(text) {
    stop("Read: " + text);
    code.value = text;
    if (navigator.vibrate) navigator.vibrate(80);
    code.form.querySelector("button").focus();
  }

  async function native() {
    if (!("BarcodeDetector" in window)) return null;
    try {
      const can = await BarcodeDetector.getSupportedFormats();
      const formats = kinds.filter(function (k) { return can.indexOf(k) >= 0; });
      return formats.length === kinds.length ? new BarcodeDetector({ formats: formats }) : null;
    } catch (e) { return null; }
  }

  async function ask() {
    const canvas = document.createElement("canvas");
    const shrink = Math.min(1, most / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * shrink);
    canvas.height = Math.round(video.videoHeight * shrink);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const frame = await new Promise(function (done) { canvas.toBlob(done, "image/jpeg", 0.8); });
    const form = new FormData();
    form.append("csrf", code.form.elements.csrf.value);
    form.append("picture", frame, "frame.jpg");
    const res = await fetch(photo.action, { method: "POST", body: form, headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (res.status === 503) return ""; // others are scanning: again later
    if (!res.ok) throw new Error("the server answers " + res.status);
    return (await res.json()).code;
  }

  async function look() {
    const mine = stream;
    try {
      let text = "";
      if (video.videoWidth > 0) {
        if (reader) {
          const all = await reader.detect(video);
          text = all.length > 0 ? all[0].rawValue : "";
        } else {
          text = await ask();
        }
      }
      if (stream !== mine) return;
      if (text) { found(text); return; }
    } catch (e) {
      if (stream === mine) stop("The camera's picture cannot be read: " + e.message);
      return;
    }
    if (Date.now() > until) { stop("No code was seen. Type it, or try again nearer and with more light."); return; }
    timer = setTimeout(look, pause);
  }

  start.addEventListener("click", async function () {
    if (stream) { stop(); return; }
    try {
      stream = await devices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch (e) {
      stop("The camera cannot be used: " + e.message);
      return;
    }
    reader = await native();
    until = Date.now() + patience;
    start.textContent = "Stop the camera";
    say.textContent = "Hold the label before the camera.";
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
    look();
  });
  window.addEventListener("pagehide", function () { stop(); });
  document.addEventListener("visibilitychange", function () { if (document.hidden) stop(); });
  box.hidden = false;
})();
