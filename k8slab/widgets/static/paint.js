// The board on a canvas: chips and icons with quiet movement, squares in batches, a density map from pixels.

import { CORDONED, NO_NODE, POWERED_OFF, READY } from "./replica.js";
import { CHIPS, DENSITY, M, TILES } from "./layout.js";

const MOVE = 450; // milliseconds
const FADE = 260;
const PULSE = 700;
const MAX_MOVING = 400;

export class Painter {
  constructor(canvas, root) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.root = root;
    this.shown = new Map(); // slot -> {x, y, w, h, state, fromX, fromY, start, born, pulse}
    this.ghosts = [];
    this.icons = new Map();
    this.cuts = new Map();
    this.ratio = 1;
  }

  // The theme's colours as the page computes them: a canvas knows no CSS variables.
  readColours() {
    const probe = document.createElement("span");
    probe.style.display = "none";
    this.root.appendChild(probe);
    this.colours = {};
    for (const token of LOOK.tokens) {
      probe.style.color = `var(--k8s-${token})`;
      this.colours[token] = getComputedStyle(probe).color;
    }
    probe.remove();
    this.icons.clear();
    this.pixels = null;
  }

  resize(width, height, ratio) {
    this.width = width;
    this.height = height;
    this.ratio = ratio;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    this.icons.clear();
  }

  // Follow the layout: whatever is somewhere else than it was sets out for its new place.
  follow(replica, plan, now, animate) {
    if (plan.lod !== CHIPS && plan.lod !== TILES) {
      this.shown.clear();
      this.ghosts = [];
      return;
    }
    const next = new Map();
    let changes = 0;
    const visit = (slot) => {
      if (slot < 0) return;
      const place = plan.place(slot);
      if (!place) return;
      const had = this.shown.get(slot);
      const seat = `${replica.node[slot]}|${replica.cell[slot]}`;
      const item = { seat, ...place, state: replica.state[slot], fromX: place.x, fromY: place.y, start: 0, born: 0, pulse: 0 };
      if (!had) item.born = now;
      else if (had.seat !== seat) Object.assign(item, { start: now }, this.current(had, now, "from"));
      // Where the cards moved, or the window, the Pods on them go along at once.
      else if (had.x !== place.x || had.y !== place.y) Object.assign(item, { born: had.born, pulse: had.pulse });
      else Object.assign(item, { fromX: had.fromX, fromY: had.fromY, start: had.start, born: had.born, pulse: had.pulse });
      if (had && had.state !== item.state) item.pulse = now;
      if (!had || item.start === now || item.pulse === now) changes += 1;
      next.set(slot, item);
      this.shown.delete(slot);
    };
    for (const card of plan.cards) {
      card.node.own.slots.forEach(visit);
      card.node.theirs.slots.forEach(visit);
    }
    replica.waiting.slots.forEach(visit);
    const gone = [...this.shown].map(([slot, item]) => ({ slot, ...item, start: now }));
    this.shown = next;
    if (animate && changes + gone.length <= MAX_MOVING) {
      this.ghosts.push(...gone);
    } else {
      this.ghosts = [];
      for (const item of next.values()) item.start = item.born = item.pulse = 0;
    }
  }

  current(item, now, prefix) {
    const part = item.start ? Math.min(1, (now - item.start) / MOVE) : 1;
    const ease = 1 - (1 - part) ** 3;
    const x = item.fromX + (item.x - item.fromX) * ease;
    const y = item.fromY + (item.y - item.fromY) * ease;
    return prefix ? { fromX: x, fromY: y } : { x, y, moving: part < 1 };
  }

  // Draw what is in sight; returns whether something still moves.
  paint(replica, plan, scene) {
    const g = this.context;
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.clearRect(0, 0, this.width, this.height);
    g.fillStyle = this.colours.panel;
    g.fillRect(0, 0, this.width, this.height);
    g.translate(0, -scene.top);
    this.sight = { top: scene.top - 40, bottom: scene.top + this.height + 40 };
    let moving = false;
    if (plan.lod === CHIPS || plan.lod === TILES) {
      this.paintStrip(replica, plan);
      for (const card of plan.cards) if (this.seen(card)) this.paintCard(replica, plan, card);
      moving = this.paintPods(replica, plan, scene);
    } else {
      this.paintBlocks(replica, plan, scene);
    }
    this.paintMarks(replica, plan, scene);
    return moving;
  }

  seen(place) {
    return place.y < this.sight.bottom && place.y + place.h > this.sight.top;
  }

  font(size, weight = 400, mono = false) {
    this.context.font = `${weight} ${size}px ${mono ? LOOK.mono : LOOK.font}`;
  }

  text(text, x, y, colour, size, weight = 400, align = "left") {
    const g = this.context;
    this.font(size, weight);
    g.fillStyle = this.colours[colour];
    g.textAlign = align;
    g.fillText(text, x, y);
    g.textAlign = "left";
  }

  measure(text, size, weight = 400) {
    const key = `${size}|${weight}|${text}`;
    let width = this.cuts.get(key);
    if (width === undefined) {
      if (this.cuts.size > 20000) this.cuts.clear();
      this.font(size, weight);
      width = this.context.measureText(text).width;
      this.cuts.set(key, width);
    }
    return width;
  }

  fit(text, room, size, weight = 400) {
    if (this.measure(text, size, weight) <= room) return text;
    let low = 0;
    let high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.measure(text.slice(0, middle) + "…", size, weight) <= room) low = middle;
      else high = middle - 1;
    }
    return low ? text.slice(0, low) + "…" : "";
  }

  box(x, y, w, h, radius, fill, stroke, line = 1, dash = []) {
    const g = this.context;
    const inset = stroke ? line / 2 : 0;
    g.beginPath();
    g.roundRect(x + inset, y + inset, w - 2 * inset, h - 2 * inset, radius);
    if (fill) {
      g.fillStyle = this.colours[fill];
      g.fill();
    }
    if (stroke) {
      g.setLineDash(dash);
      g.lineWidth = line;
      g.strokeStyle = this.colours[stroke];
      g.stroke();
      g.setLineDash([]);
    }
  }

  paintStrip(replica, plan) {
    const { x, y, w, h } = plan.waiting;
    const number = replica.waiting.used;
    this.box(x, y, w, h, 8, "card", "line", 1.25, [5, 4]);
    this.text("Not scheduled", x + M.pad, y + 19, "muted", 12, 600);
    const note = number ? `${number} Pod${number > 1 ? "s" : ""} without a node` : "no Pod waits for a node";
    this.text(note, x + M.pad + this.measure("Not scheduled", 12, 600) + 10, y + 19, number ? "muted" : "faint", 12);
  }

  paintCard(replica, plan, card) {
    const node = card.node;
    const down = node.state !== READY;
    this.box(card.x, card.y, card.w, card.h, 8, "card", down ? "vermillion-line" : "line", down ? 1.75 : 1, down ? [6, 4] : []);
    const x = card.x + M.pad;
    const inner = card.w - 2 * M.pad;
    const [word, ink] = this.nodeWord(node);
    const bold = ink === "muted" ? 400 : 600;
    const narrow = inner < 170;
    // A narrow card needs its room for the name: it says only what is not as it should be.
    const side = narrow && ink === "muted" ? 0 : this.measure(word, 11.5, bold) + 8;
    if (side) this.text(word, x + inner, card.y + 25, ink, 11.5, bold, "right");
    this.text(this.fit(node.name, inner - side, 14, 600), x, card.y + 25, "ink", 14, 600);
    this.text(this.fit(this.noteOf(node), inner, 11), x, card.y + 42, "muted", 11);
    const gib = (mib) => (mib / 1024).toFixed(1).replace(/\.0$/, "");
    const cores = (milli) => String(Math.round(milli / 10) / 100);
    this.bar("CPU", node.usedCpu, node.cpu, cores(node.usedCpu), cores(node.cpu), x, card.y + 60, inner);
    this.bar("Mem", node.usedMemory, node.memory, gib(node.usedMemory), `${gib(node.memory)}Gi`, x, card.y + 77, inner);
    this.bar("Pods", node.count, node.most, node.count, node.most, x, card.y + 94, inner);
    if (!node.own.used) this.text("no Pods", x, card.ownY + 15, "faint", 12);
    if (card.systemY && node.theirs.used) {
      this.context.fillStyle = this.colours.hairline;
      this.context.fillRect(x, card.systemY - M.system - 4, inner, 1);
      this.text("kube-system", x, card.systemY - 8, "faint", 10.5);
    }
  }

  nodeWord(node) {
    if (node.flags & POWERED_OFF && node.state === READY) return ["no power", "vermillion-line"];
    if (node.state !== READY) return [node.flags & CORDONED ? "NotReady, cordoned" : "NotReady", "vermillion-line"];
    return node.flags & CORDONED ? ["cordoned", "orange-line"] : ["Ready", "muted"];
  }

  noteOf(node) {
    const taints = node.taints ? node.taints.split(", ").map((taint) => {
      const [key, effect] = taint.split(":");
      const name = key.slice(key.lastIndexOf("/") + 1);
      return name === "control-plane" ? effect : `${name}:${effect}`;
    }) : [];
    return [node.roles || "worker", ...taints].join(" · ");
  }

  bar(label, used, total, usedText, totalText, x, y, width) {
    const narrow = width < 170;
    const text = narrow ? String(usedText) : `${usedText} of ${totalText}`;
    const left = x + 34;
    const length = Math.max(20, width - 34 - (narrow ? 34 : 84));
    const share = total ? Math.min(1, used / total) : 0;
    this.text(label, x, y + 4, "muted", 10.5);
    this.box(left, y - 3, length, 6, 3, "track");
    if (share > 0) this.box(left, y - 3, Math.max(6, length * share), 6, 3, share > 0.85 ? "orange-line" : "accent");
    this.text(text, x + width, y + 4, "muted", 10.5, 400, "right");
  }

  paintPods(replica, plan, scene) {
    const now = scene.now;
    const g = this.context;
    let moving = false;
    const travelling = [];
    for (const [slot, item] of this.shown) {
      const place = this.current(item, now);
      if (place.moving) {
        travelling.push([slot, item, place]);
        continue;
      }
      const age = item.born ? Math.min(1, (now - item.born) / FADE) : 1;
      if (age < 1 || (item.pulse && now - item.pulse < PULSE)) moving = true;
      if (this.seen(item)) this.paintPod(replica, plan, slot, item, place, age, now);
    }
    for (const [slot, item, place] of travelling) this.paintPod(replica, plan, slot, item, place, 1, now);
    this.ghosts = this.ghosts.filter((ghost) => now - ghost.start < FADE);
    for (const ghost of this.ghosts) this.paintPod(replica, plan, ghost.slot, ghost, ghost, 1 - (now - ghost.start) / FADE, now);
    g.globalAlpha = 1;
    return moving || travelling.length > 0 || this.ghosts.length > 0;
  }

  paintPod(replica, plan, slot, item, place, alpha, now) {
    const g = this.context;
    const look = LOOK.states[item.state];
    g.globalAlpha = alpha;
    if (item.pulse && now - item.pulse < PULSE) this.paintPulse(item, place, look, (now - item.pulse) / PULSE, alpha);
    if (item.w > M.tile + 2) this.paintChip(replica, slot, item, place, look, alpha);
    else this.icon(item.state, place.x, place.y, M.tile);
    g.globalAlpha = 1;
  }

  // One soft ring that grows once: something changed here.
  paintPulse(item, place, look, part, alpha) {
    const g = this.context;
    const grow = 1 + 4 * part;
    g.globalAlpha = alpha * 0.7 * (1 - part);
    g.lineWidth = 2;
    g.strokeStyle = this.colours[look.colours.line];
    g.beginPath();
    g.roundRect(place.x - grow, place.y - grow, item.w + 2 * grow, item.h + 2 * grow, 6 + grow);
    g.stroke();
    g.globalAlpha = alpha;
  }

  paintChip(replica, slot, item, place, look, alpha) {
    const g = this.context;
    g.globalAlpha = alpha;
    this.box(place.x, place.y, item.w, item.h, 5, "card");
    g.globalAlpha = alpha * 0.14;
    this.box(place.x, place.y, item.w, item.h, 5, look.colours.fill);
    g.globalAlpha = alpha;
    this.icon(item.state, place.x + 5, place.y + 5, 14);
    const room = item.w - 31;
    const name = this.fit(replica.apps[slot], room, 12, 500);
    this.text(name, place.x + 25, place.y + 16.5, "ink", 12, 500);
    const reason = replica.reasonOf(slot);
    const telling = look.name !== "Running" && reason !== "Running" && reason !== "Pending";
    const more = telling ? reason : replica.suffix(slot);
    const used = this.measure(name, 12, 500) + 7;
    if (more && name === replica.apps[slot] && room - used > 26) {
      this.text(this.fit(more, room - used, 11), place.x + 25 + used, place.y + 16.5, "muted", 11);
    }
  }

  // Icons are drawn once for each state and size, and copied from then on.
  icon(state, x, y, size) {
    const key = `${state}|${size}`;
    let made = this.icons.get(key);
    if (!made) this.icons.set(key, (made = this.makeIcon(state, size)));
    this.context.drawImage(made, x - 1, y - 1, size + 2, size + 2);
  }

  makeIcon(state, size) {
    const made = document.createElement("canvas");
    const scale = (size / LOOK.iconSize) * this.ratio;
    made.width = made.height = Math.ceil((size + 2) * this.ratio);
    const g = made.getContext("2d");
    g.setTransform(scale, 0, 0, scale, this.ratio, this.ratio);
    g.lineCap = g.lineJoin = "round";
    const { colours, layers } = LOOK.states[state];
    for (const layer of layers) {
      const path = new Path2D(layer.path);
      if (layer.fill) {
        g.fillStyle = this.colours[colours[layer.fill]];
        g.fill(path);
      }
      if (layer.stroke) {
        g.setLineDash(layer.dash);
        g.lineWidth = layer.width;
        g.strokeStyle = this.colours[colours[layer.stroke]];
        g.stroke(path);
      }
    }
    return made;
  }

  paintBlocks(replica, plan, scene) {
    const number = replica.waiting.used;
    this.text("Not scheduled", M.margin, M.margin + 12, "muted", 12, 600);
    const left = M.margin + this.measure("Not scheduled", 12, 600) + 10;
    this.text(number ? `${number} Pods` : "no Pod waits for a node", left, M.margin + 12, number ? "muted" : "faint", 12);
    this.paintOutlines(plan);
    if (plan.lod === DENSITY) this.paintPixels(replica, plan, scene);
    else this.paintSquares(replica, plan);
  }

  // A frame for each node, all alike in one path: those in trouble stand out.
  paintOutlines(plan) {
    const g = this.context;
    const paths = { card: new Path2D(), trouble: new Path2D(), cordoned: new Path2D() };
    for (const card of plan.cards) {
      if (!this.seen(card)) continue;
      const kind = card.node.state !== READY ? "trouble" : card.node.flags & CORDONED ? "cordoned" : "card";
      paths[kind].rect(card.x - 0.5, card.y - 0.5, card.w + 1, card.h + 1);
    }
    g.fillStyle = this.colours.card;
    for (const path of Object.values(paths)) g.fill(path);
    g.lineWidth = 1;
    g.strokeStyle = this.colours.line;
    if (plan.size >= 5) g.stroke(paths.card);
    g.lineWidth = 1.5;
    g.strokeStyle = this.colours["orange-line"];
    g.stroke(paths.cordoned);
    g.strokeStyle = this.colours["vermillion-line"];
    g.stroke(paths.trouble);
  }

  paintSquares(replica, plan) {
    const g = this.context;
    const lists = LOOK.states.map(() => []);
    for (let slot = 0; slot < replica.pods; slot++) {
      if (!replica.state[slot] || replica.cell[slot] < 0) continue;
      const place = plan.place(slot);
      if (place && this.seen(place)) lists[replica.state[slot]].push(place);
    }
    lists.forEach((places, state) => {
      if (!places.length) return;
      g.fillStyle = this.colours[LOOK.states[state].colours.fill];
      for (const place of places) g.fillRect(place.x, place.y, place.w, place.h);
    });
  }

  // More Pods than a canvas can fill one by one in a frame: write their pixels.
  paintPixels(replica, plan, scene) {
    const { width, height } = this.canvas;
    if (!this.sheet || this.sheet.width !== width || this.sheet.height !== height) {
      this.sheet = Object.assign(document.createElement("canvas"), { width, height });
      this.image = new ImageData(width, height);
    }
    const pixels = new Uint32Array(this.image.data.buffer).fill(0);
    const paint = this.pixels || (this.pixels = LOOK.states.map((state) => this.pixel(this.colours[state.colours.fill])));
    const dot = (slot, x, y) => {
      const left = Math.round(x * this.ratio);
      const top = Math.max(0, Math.round((y - scene.top) * this.ratio));
      const right = Math.min(width, Math.round((x + plan.size) * this.ratio));
      const bottom = Math.min(height, Math.round((y + plan.size - scene.top) * this.ratio));
      for (let row = top; row < bottom; row++) pixels.fill(paint[replica.state[slot]], row * width + left, row * width + right);
    };
    for (const card of plan.cards) {
      if (!this.seen(card)) continue;
      const { own, theirs } = card.node;
      plan.each(card, own.slots, 0, dot);
      plan.each(card, theirs.slots, own.slots.length, dot);
    }
    for (const slot of replica.waiting.slots) {
      const place = slot >= 0 && plan.place(slot);
      if (place) dot(slot, place.x, place.y);
    }
    this.sheet.getContext("2d").putImageData(this.image, 0, 0);
    this.context.drawImage(this.sheet, 0, scene.top, this.width, this.height);
  }

  pixel(colour) {
    const one = document.createElement("canvas");
    one.width = one.height = 1;
    const g = one.getContext("2d");
    g.fillStyle = colour;
    g.fillRect(0, 0, 1, 1);
    return new Uint32Array(g.getImageData(0, 0, 1, 1).data.buffer)[0];
  }

  // Rings around what the pointer is on, what has the keyboard's focus, and what is selected.
  paintMarks(replica, plan, scene) {
    const ring = (thing, colour, line, out, dash = []) => {
      const place = thing && this.placeOf(plan, thing);
      if (place) this.box(place.x - out, place.y - out, place.w + 2 * out, place.h + 2 * out, 7 + out, null, colour, line, dash);
    };
    ring(scene.hover, "faint", 1.5, 1.5);
    ring(scene.selected, "accent", 2, 2.5);
    ring(scene.focus, "accent", 2, 4.5, [4, 3]);
  }

  placeOf(plan, thing) {
    return thing.kind === "node" ? plan.byNode.get(thing.slot) : plan.place(thing.slot);
  }
}
