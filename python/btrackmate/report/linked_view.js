// Lineage trees and 3D tracks over time, linked: a lineage picked in one is shown in the other.
"use strict";
(() => {
  const root = document.getElementById("linked-view");
  if (!root) return;
  const data = JSON.parse(document.getElementById("linked-data").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const words = (text) => new Uint16Array(bytes(text).buffer);
  const longs = (text) => new Int32Array(bytes(text).buffer);
  const frame = words(data.frame), place = words(data.place);
  const offset = longs(data.offset), track = longs(data.track), row = new Float32Array(bytes(data.row).buffer);
  const links = longs(data.links), ids = data.ids, nTracklets = offset.length - 1;
  const mothers = Array.from({ length: nTracklets }, () => []);
  for (let k = 0; k < links.length; k += 2) mothers[links[k + 1]].push(links[k]);
  const values = data.features.map((feature) => bytes(feature.values));
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const scene = find("scene"), tree = find("tree"), slider = find("frame"), play = find("play");
  const colourBy = find("colour"), told = find("picked"), clock = find("time");
  const parts = data.extent.map((one) => one / 65535);
  const half = data.extent.map((one) => one / 2);
  const radius = Math.max(1e-9, Math.hypot(...half));
  const flat = data.extent[2] === 0;
  const view = { yaw: flat ? 0 : 0.6, pitch: flat ? 0 : 0.5, zoom: 1, top: 0, height: 7 };
  const TAIL = 8, FAINT = "rgba(120,130,140,0.25)";
  let picked = -1, now = data.first, timer = 0, waiting = false;

  // Viridis in ten steps; tracks get hues that are far from their neighbours'.
  const scale = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
  const hues = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5b5b5b"];
  const colour = (spot, tracklet) => {
    const chosen = colourBy.selectedIndex - 1;
    if (chosen < 0) return hues[track[tracklet] % hues.length];
    const value = values[chosen][spot];
    return value === 255 ? "#bbbbbb" : scale[Math.min(9, Math.floor(value / 25.5))];
  };

  const prepare = (canvas) => {
    const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
    const width = Math.max(1, Math.round(box.width * ratio)), height = Math.max(1, Math.round(box.height * ratio));
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    return [pen, box.width, box.height];
  };

  const makeProjector = (width, height) => {
    const cy = Math.cos(view.yaw), sy = Math.sin(view.yaw), cp = Math.cos(view.pitch), sp = Math.sin(view.pitch);
    const size = (0.47 * Math.min(width, height) / radius) * view.zoom;
    return (spot) => {
      const x = place[3 * spot] * parts[0] - half[0], y = place[3 * spot + 1] * parts[1] - half[1];
      const z = place[3 * spot + 2] * parts[2] - half[2];
      const u = x * cy + z * sy, w = z * cy - x * sy;
      return [width / 2 + u * size, height / 2 + (y * cp - w * sp) * size];
    };
  };

  // Last spot of a tracklet at or before a frame, -1 where there is none.
  const lastAt = (tracklet, when) => {
    let low = offset[tracklet], high = offset[tracklet + 1] - 1;
    if (frame[low] > when) return -1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (frame[middle] <= when) low = middle; else high = middle - 1;
    }
    return low;
  };

  const drawScene = () => {
    const [pen, width, height] = prepare(scene), at = makeProjector(width, height);
    for (const chosen of [false, true]) {
      for (let t = 0; t < nTracklets; t++) {
        const mine = picked >= 0 && track[t] === picked;
        if (mine !== chosen) continue;
        const spot = lastAt(t, now);
        if (spot < 0) continue;
        const oldest = mine ? -1 : now - TAIL;
        if (frame[spot] < oldest) continue;
        pen.strokeStyle = pen.fillStyle = picked >= 0 && !mine ? FAINT : colour(spot, t);
        pen.lineWidth = mine ? 2 : 1;
        pen.beginPath();
        for (let i = spot; i >= offset[t] && frame[i] >= oldest; i--) {
          const [x, y] = at(i);
          if (i === spot) pen.moveTo(x, y); else pen.lineTo(x, y);
        }
        for (const mother of frame[offset[t]] >= oldest ? mothers[t] : []) {
          const last = offset[mother + 1] - 1;
          if (frame[last] < oldest) continue;
          pen.moveTo(...at(last));
          pen.lineTo(...at(offset[t]));
        }
        pen.stroke();
        if (frame[spot] === now) {
          const [x, y] = at(spot);
          pen.beginPath();
          pen.arc(x, y, mine ? 4.5 : 2.5, 0, 7);
          pen.fill();
        }
      }
    }
    pen.fillStyle = "#5c6875";
    pen.font = "11px sans-serif";
    pen.fillText(data.scale, 8, height - 8);
  };

  const LEFT = 46, TOP = 18;
  const xOf = (when, width) => LEFT + (when - data.first) / Math.max(1, data.last - data.first) * (width - LEFT - 8);
  const yOf = (level) => TOP + level * view.height - view.top;

  const drawTree = () => {
    const [pen, width, height] = prepare(tree);
    pen.font = "10px sans-serif";
    pen.lineCap = "butt";
    for (let t = 0; t < nTracklets; t++) {
      const y = yOf(row[t]);
      if (y < TOP - 2 || y > height + 2) continue;
      const mine = track[t] === picked, first = offset[t], last = offset[t + 1] - 1;
      pen.lineWidth = mine ? 3 : 1.5;
      pen.globalAlpha = picked >= 0 && !mine ? 0.3 : 1;
      if (colourBy.selectedIndex === 0) {
        pen.strokeStyle = colour(first, t);
        line(pen, xOf(frame[first], width) - 0.5, y, xOf(frame[last], width) + 0.5, y);
      } else {
        for (let i = first; i <= last; i++) {
          pen.strokeStyle = colour(i, t);
          line(pen, xOf(frame[Math.max(first, i - 1)], width) - 0.5, y, xOf(frame[i], width) + 0.5, y);
        }
      }
      if (data.root[t]) {
        pen.fillStyle = "#1d2733";
        pen.fillText(ids[track[t]], 4, y + 3);
      }
    }
    for (let k = 0; k < links.length; k += 2) {
      const [a, b] = [links[k], links[k + 1]], ya = yOf(row[a]), yb = yOf(row[b]);
      if (Math.max(ya, yb) < TOP || Math.min(ya, yb) > height) continue;
      const x = xOf(frame[offset[a + 1] - 1], width), mine = track[a] === picked;
      pen.globalAlpha = picked >= 0 && !mine ? 0.3 : 1;
      pen.strokeStyle = colourBy.selectedIndex ? "#8a949e" : colour(offset[b], b);
      pen.lineWidth = mine ? 2 : 1;
      line(pen, x, Math.max(TOP, ya), x, Math.max(TOP, yb));
      if (yb >= TOP) line(pen, x, yb, xOf(frame[offset[b]], width), yb);
    }
    pen.globalAlpha = 1;
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, TOP - 4);
    pen.fillStyle = "#5c6875";
    pen.fillText("track", 4, 10);
    pen.fillText(`frame ${data.first}`, LEFT, 10);
    const end = `${data.last}`;
    pen.fillText(end, width - 8 - pen.measureText(end).width, 10);
    pen.strokeStyle = "#d55e00";
    pen.lineWidth = 1;
    line(pen, xOf(now, width), 12, xOf(now, width), height);
  };

  const line = (pen, x0, y0, x1, y1) => {
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
  };

  const draw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; drawScene(); drawTree(); });
  };

  const setFrame = (when) => {
    now = Math.max(data.first, Math.min(data.last, when));
    slider.value = now;
    root.dataset.frame = now;
    clock.textContent = `frame ${now}${data.time ? ` (${+(now * data.dt).toPrecision(6)} ${data.time})` : ""}`;
    draw();
  };

  const limitTop = () => {
    const height = tree.getBoundingClientRect().height - TOP - 8;
    view.top = Math.max(0, Math.min(view.top, data.rows * view.height - height));
  };

  const pick = (number, reveal, tell) => {
    const changed = number !== picked;
    picked = number;
    root.dataset.picked = number < 0 ? "" : ids[number];
    if (number < 0) {
      told.textContent = "Click on a cell or a lineage.";
    } else {
      let spots = 0, pieces = 0, low = Infinity, first = Infinity, last = 0;
      for (let t = 0; t < nTracklets; t++) {
        if (track[t] !== number) continue;
        pieces++;
        spots += offset[t + 1] - offset[t];
        low = Math.min(low, row[t]);
        first = Math.min(first, frame[offset[t]]);
        last = Math.max(last, frame[offset[t + 1] - 1]);
      }
      told.textContent = `Track ${ids[number]}: ${spots} spots in ${pieces} tracklets, frames ${first} to ${last}.`;
      if (reveal) {
        view.top = low * view.height - 40;
        limitTop();
        if (now < first || now > last) setFrame(last);
      }
    }
    if (tell && changed) {
      const bare = location.pathname + location.search;
      try { history.replaceState(null, "", number < 0 ? bare : `#track=${ids[number]}`); } catch (error) {
        location.hash = number < 0 ? "" : `track=${ids[number]}`;
      }
    }
    draw();
  };

  const readHash = () => {
    const match = /^#track=(-?\d+)$/.exec(location.hash);
    pick(match ? ids.indexOf(Number(match[1])) : -1, true, false);
  };

  const inCanvas = (event, canvas) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top, box.width, box.height];
  };

  const nearestSpot = (event) => {
    const [x, y, width, height] = inCanvas(event, scene), at = makeProjector(width, height);
    let best = 12, found = -1;
    for (let t = 0; t < nTracklets; t++) {
      const spot = lastAt(t, now);
      if (spot < 0 || frame[spot] < now - TAIL) continue;
      const [u, v] = at(spot), away = Math.hypot(u - x, v - y) + (frame[spot] === now ? 0 : 4);
      if (away < best) { best = away; found = track[t]; }
    }
    return found;
  };

  const nearestLine = (event) => {
    const [x, y, width] = inCanvas(event, tree);
    let best = Math.max(6, view.height), found = -1;
    for (let t = 0; t < nTracklets; t++) {
      const from = x < LEFT ? 0 : xOf(frame[offset[t]], width) - 4;
      if (x < from || x > xOf(frame[offset[t + 1] - 1], width) + 4) continue;
      const away = Math.abs(yOf(row[t]) - y);
      if (away < best) { best = away; found = track[t]; }
    }
    return found;
  };

  let grip = null;
  scene.addEventListener("pointerdown", (event) => {
    grip = { x: event.clientX, y: event.clientY, moved: false };
    try { scene.setPointerCapture(event.pointerId); } catch (error) { /* a pointer that is gone */ }
  });
  scene.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!grip.moved && Math.hypot(dx, dy) < 4) return;
    grip = { x: event.clientX, y: event.clientY, moved: true };
    view.yaw += dx * 0.01;
    view.pitch = Math.max(-1.57, Math.min(1.57, view.pitch + dy * 0.01));
    draw();
  });
  scene.addEventListener("pointerup", (event) => {
    const turned = grip && grip.moved;
    grip = null;
    if (!turned) pick(nearestSpot(event), true, true);
  });
  scene.addEventListener("wheel", (event) => {
    event.preventDefault();
    view.zoom = Math.max(0.2, Math.min(40, view.zoom * Math.exp(-event.deltaY * 0.0015)));
    draw();
  }, { passive: false });
  tree.addEventListener("click", (event) => pick(nearestLine(event), false, true));
  tree.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.shiftKey) {
      const y = inCanvas(event, tree)[1] - TOP, level = (y + view.top) / view.height;
      view.height = Math.max(0.5, Math.min(30, view.height * Math.exp(-(event.deltaY || event.deltaX) * 0.002)));
      view.top = level * view.height - y;
    } else {
      view.top += event.deltaY;
    }
    limitTop();
    draw();
  }, { passive: false });
  slider.addEventListener("input", () => setFrame(Number(slider.value)));
  colourBy.addEventListener("change", draw);
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "Play"; };
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    play.textContent = "Stop";
    timer = setInterval(() => setFrame(now >= data.last ? data.first : now + 1), 120);
  });
  window.addEventListener("resize", draw);
  window.addEventListener("hashchange", readHash);
  setFrame(data.last);
  readHash();
  root.dataset.ready = "yes";
})();
