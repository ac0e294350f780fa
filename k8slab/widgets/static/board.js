// The live board: one session for each model, any number of views of it.
// The session keeps the state, so that a second view and a view shown again are never blank.

import { CORDONED, POWERED_OFF, Replica } from "./replica.js";
import { Timeline, clockText } from "./timeline.js";
import { hit, layout } from "./layout.js";
import { Painter } from "./paint.js";
import { Mirror, nodeText, podText } from "./mirror.js";
import { Feed, Inspector, Legend, Toolbar, el, helpDialog } from "./controls.js";

const MAX_EVENTS = 500;
const PATIENCE = 1500; // milliseconds until a snapshot is asked for again
const REPLAY_PAUSE = 600; // the longest a replay waits between two instants

class Session {
  constructor(model) {
    this.model = model;
    this.replica = new Replica();
    this.timeline = new Timeline(this.replica);
    this.events = [];
    this.told = 0;
    this.views = new Set();
    this.places = new Set(); // of still pictures, where the kernel speaks another version
    this.detail = null;
    this.counter = 0;
    this.replica.choose(model.get("namespace"), model.get("system"));
    model.on("msg:custom", (message, buffers) => this.receive(message, buffers || []));
    for (const name of ["namespace", "system"]) {
      model.on(`change:${name}`, () => this.replica.choose(model.get("namespace"), model.get("system")));
    }
    for (const name of ["paused", "speed", "selected", "theme", "height", "namespace", "system"]) {
      model.on(`change:${name}`, () => this.changed());
    }
    model.on("change:notice", () => this.views.forEach((view) => view.toast(model.get("notice"))));
    if (this.mismatch) model.send({ k: "picture" });
    else this.hello(0);
    this.leaving = () => this.views.size && model.send({ k: "bye" });
    window.addEventListener("pagehide", this.leaving);
  }

  get mismatch() {
    return this.model.get("schema") !== LOOK.schema;
  }

  // Ask for everything; where custom messages do not get through, by a trait.
  hello(tries) {
    if (tries % 2) this.intend("hello");
    else this.model.send({ k: "hello", schema: LOOK.schema });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.timeline.seq < 0 && tries < 7 && this.hello(tries + 1), PATIENCE);
  }

  receive(message, buffers) {
    if (message.k === "picture") {
      this.picture = message.html;
      this.places.forEach((place) => (place.innerHTML = message.html));
    } else if (message.k === "detail") {
      this.detail = message;
    } else if (message.k === "snap" || message.k === "d") {
      if (!this.timeline.take(message, buffers)) this.model.send({ k: "resync" });
      if (message.ev) this.events.push(...message.ev);
      this.told += message.ev ? message.ev.length : 0;
      if (this.events.length > 2 * MAX_EVENTS) this.events = this.events.slice(-MAX_EVENTS);
    }
    this.changed();
  }

  intend(verb, target = "", args = {}) {
    this.counter += 1;
    // Unique over several tabs too: the trait must change for the kernel to see it.
    this.model.set("intent", { n: `${Date.now()}.${this.counter}`, verb, target, args });
    this.model.save_changes();
  }

  select(target) {
    if (this.model.get("selected") === target) return;
    this.detail = null;
    this.model.set("selected", target);
    this.model.save_changes();
    this.changed();
  }

  seek(cursor) {
    this.timeline.seek(cursor);
    this.changed();
  }

  changed() {
    this.views.forEach((view) => view.request());
  }

  add(view) {
    if (this.left) this.hello(0);
    this.left = false;
    this.views.add(view);
  }

  close() {
    clearTimeout(this.timer);
    window.removeEventListener("pagehide", this.leaving);
  }

  remove(view) {
    this.views.delete(view);
    if (!this.views.size) {
      this.left = true;
      this.model.send({ k: "bye" });
    }
  }
}

class View {
  constructor(session, element) {
    this.session = session;
    this.model = session.model;
    this.visible = false; // until the page says so: hosts render before they attach
    this.replaying = false;
    this.mirrorVersion = -1;
    this.build(element);
    this.watch();
    session.add(this);
    this.request();
  }

  build(element) {
    const actions = {
      play: () => this.togglePlay(),
      step: () => this.session.intend("step", "", { duration: 1 }),
      speed: (speed) => this.setSpeed(speed),
      seek: (cursor) => this.scrub(cursor),
      live: () => this.scrub(Infinity),
      namespace: (name) => this.save("namespace", name),
      system: (shown) => this.save("system", shown),
      help: () => this.toggleHelp(),
      act: (verb, target) => this.act(verb, target),
    };
    this.toolbar = new Toolbar(actions);
    this.legend = new Legend();
    this.inspector = new Inspector(actions);
    this.feed = new Feed();
    this.mirror = new Mirror(this.session.replica, (thing) => this.focusOn(thing));
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.spacer = el("div", { class: "k8slab-spacer" }, this.canvas);
    this.scroller = el("div", { class: "k8slab-scroll" }, this.spacer, this.mirror.element);
    this.pill = el("div", { class: "k8slab-past", hidden: true });
    this.tip = el("div", { class: "k8slab-tip", hidden: true });
    this.message = el("div", { class: "k8slab-toast", role: "status", hidden: true });
    this.help = helpDialog(() => this.toggleHelp());
    this.speaker = el("div", { class: "k8slab-hidden", "aria-live": "polite" });
    this.board = el("div", { class: "k8slab-board" }, this.scroller, this.message, this.tip, this.help);
    this.legend.element.append(this.pill);
    this.root = el("div", { class: "k8slab-view", "data-lm-suppress-shortcuts": "true" },
      this.toolbar.element, this.board, this.legend.element,
      el("div", { class: "k8slab-lower" }, this.inspector.element, this.feed.element), this.speaker);
    element.appendChild(this.root);
    this.dress();
    this.painter = new Painter(this.canvas, this.root);
  }

  watch() {
    const media = (query, change) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", change);
      this.ends.push(() => list.removeEventListener("change", change));
      return list;
    };
    this.ends = [];
    this.still = media("(prefers-reduced-motion: reduce)", () => this.request());
    media("(prefers-color-scheme: dark)", () => this.recolour());
    this.observe(new ResizeObserver(() => this.request()), this.scroller);
    this.observe(new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      this.request();
    }), this.root);
    const themes = new MutationObserver(() => this.recolour());
    themes.observe(document.body, { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-jp-theme-name"] });
    this.ends.push(() => themes.disconnect());
    const shown = () => this.request();
    document.addEventListener("visibilitychange", shown);
    this.ends.push(() => document.removeEventListener("visibilitychange", shown));
    this.scroller.addEventListener("scroll", () => this.request());
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.point(null));
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("focusout", (event) => {
      if (!this.mirror.element.contains(event.relatedTarget)) this.focusOn(null);
    });
  }

  observe(observer, element) {
    observer.observe(element);
    this.ends.push(() => observer.disconnect());
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.pending);
    clearTimeout(this.speaking);
    clearTimeout(this.fading);
    clearTimeout(this.mirroring);
    this.ends.forEach((end) => end());
    this.session.remove(this);
  }

  dress() {
    const theme = this.model.get("theme");
    if (theme === "auto") delete this.root.dataset.theme;
    else this.root.dataset.theme = theme;
    this.dressed = theme;
  }

  recolour() {
    // The page's style is new only in the next frame.
    requestAnimationFrame(() => {
      if (this.closed || !this.root.isConnected) return;
      this.painter.readColours();
      this.request();
    });
  }

  // -- drawing ------------------------------------------------------------------------------------------------

  // Many changes, one frame: nothing is painted where nobody can see it.
  request() {
    if (this.pending || this.closed || !this.visible || document.hidden) return;
    this.pending = requestAnimationFrame((now) => {
      this.pending = 0;
      this.frame(now);
    });
  }

  frame(now) {
    const { replica, timeline } = this.session;
    if (timeline.seq < 0 || !this.root.isConnected) return;
    if (!this.painter.colours || this.dressed !== this.model.get("theme")) {
      this.dress();
      this.painter.readColours();
    }
    this.replay(now);
    this.arrange(now);
    const moving = this.painter.paint(replica, this.plan, {
      now, top: this.scroller.scrollTop, hover: this.hover, focus: this.focus, selected: this.selection(),
    });
    this.tell();
    if (moving || this.replaying) this.request();
  }

  arrange(now) {
    const { replica } = this.session;
    const width = Math.max(260, this.scroller.clientWidth);
    const ratio = window.devicePixelRatio || 1;
    const most = this.model.get("height");
    if (this.version !== replica.version || this.width !== width || this.most !== most) {
      const resized = this.width !== width;
      this.plan = layout(replica, width, this.plan);
      this.painter.follow(replica, this.plan, now, Boolean(this.version) && !resized && !this.still.matches);
      this.version = replica.version;
      this.width = width;
      this.most = most;
      this.spacer.style.height = `${this.plan.height}px`;
      this.scroller.style.height = `${Math.min(this.plan.height, most)}px`;
      this.reflect();
    }
    const height = Math.min(this.plan.height, most);
    if (this.painter.width !== width || this.painter.height !== height || this.painter.ratio !== ratio) {
      this.painter.resize(width, height, ratio);
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
  }

  // Bring the elements around the canvas up to date.
  tell() {
    const { replica, timeline } = this.session;
    const past = !timeline.live;
    this.toolbar.update({
      timeline, replica, past, replaying: this.replaying, paused: this.model.get("paused"), speed: this.model.get("speed"),
      namespace: this.model.get("namespace"), system: this.model.get("system"),
    });
    if (this.toldVersion !== replica.version) {
      this.toldVersion = replica.version;
      this.legend.update(replica);
      this.speakSoon();
    }
    this.root.classList.toggle("is-past", past);
    this.showPill(past, timeline);
    const target = this.model.get("selected");
    const detail = this.session.detail;
    this.inspector.show(this.selection(), replica, !past && detail && detail.target === target ? detail.card : null, past);
    this.feed.update(this.session.events, this.session.told, past ? timeline.time : Infinity);
  }

  showPill(past, timeline) {
    this.pill.hidden = !past;
    if (!past) return;
    const ago = clockText(timeline.now - timeline.time);
    const at = String(Math.round(timeline.time / 1e3) / 1e3);
    const text = `Looking back: ${clockText(timeline.time)}, ${ago} ago`;
    if (this.pill.dataset.text === text) return;
    this.pill.dataset.text = text;
    this.pill.replaceChildren(el("b", {}, text), el("span", {}, "to act from here: ", el("code", {}, `lab.fork(at="${at}s")`)));
  }

  // Once in two seconds at most: who listens must not be talked over.
  speakSoon() {
    if (this.speaking) return;
    this.speaking = setTimeout(() => {
      this.speaking = 0;
      const text = Legend.summary(this.session.replica);
      if (this.speaker.textContent !== text) this.speaker.textContent = text;
    }, 2000);
  }

  // The grid for keyboards follows a little later: it costs more than a frame of the canvas.
  reflect() {
    if (this.mirroring) return;
    this.mirroring = setTimeout(() => {
      this.mirroring = 0;
      if (this.mirrorVersion === this.session.replica.version) return;
      this.mirrorVersion = this.session.replica.version;
      this.mirror.update();
    }, this.mirrorVersion < 0 ? 0 : 300);
  }

  // -- time ---------------------------------------------------------------------------------------------------

  togglePlay() {
    if (!this.session.timeline.live) {
      this.replaying = !this.replaying;
      this.replayed = 0;
      this.request();
    } else {
      this.session.intend(this.model.get("paused") ? "play" : "pause", "", { speed: this.model.get("speed") });
    }
  }

  setSpeed(speed) {
    this.save("speed", speed);
    if (!this.model.get("paused")) this.session.intend("play", "", { speed });
  }

  scrub(cursor) {
    this.replaying = false;
    this.session.seek(cursor);
  }

  // In the past, playing shows again what was; long pauses are cut short.
  replay(now) {
    const { timeline } = this.session;
    if (!this.replaying) return;
    if (timeline.live) {
      this.replaying = false;
      return;
    }
    if (!this.replayed) this.replayed = now;
    const gap = (timeline.frames[timeline.cursor].t - timeline.time) / 1000 / this.model.get("speed");
    if (now - this.replayed >= Math.min(gap, REPLAY_PAUSE)) {
      this.replayed = now;
      this.session.seek(timeline.cursor + 1);
    }
  }

  // -- acting -------------------------------------------------------------------------------------------------

  save(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    this.request();
  }

  act(verb, target) {
    if (!this.session.timeline.live) return;
    // The lab names a Pod as kubectl does when told its namespace.
    const [kind, namespace, name] = target.split("/");
    if (kind === "pod") this.session.intend(verb, `pod/${name}`, { namespace });
    else this.session.intend(verb, target);
  }

  // What is selected, as {kind, slot}; kept while the thing is gone, so that the past can be looked at.
  selection() {
    const target = this.model.get("selected");
    if (!target) return null;
    const found = this.session.replica.find(target);
    if (found) this.lastFound = { target, ...found };
    if (found) return found;
    return this.lastFound && this.lastFound.target === target && this.lastFound.slot < this.session.replica.pods
      ? { kind: this.lastFound.kind, slot: this.lastFound.slot }
      : null;
  }

  targetOf(thing) {
    const { replica } = this.session;
    return thing.kind === "node" ? `node/${replica.nodes[thing.slot].name}` : replica.target(thing.slot);
  }

  thingAt(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.plan ? hit(this.session.replica, this.plan, event.clientX - box.left, event.clientY - box.top + this.scroller.scrollTop) : null;
  }

  point(event) {
    const thing = event && this.thingAt(event);
    const same = thing && this.hover && thing.kind === this.hover.kind && thing.slot === this.hover.slot;
    this.hover = thing;
    this.canvas.style.cursor = thing ? "pointer" : "default";
    if (thing) this.showTip(thing, event);
    else this.tip.hidden = true;
    if (!same) this.request();
  }

  showTip(thing, event) {
    const { replica } = this.session;
    const text = thing.kind === "node" ? nodeText(replica.nodes[thing.slot]) : podText(replica, thing.slot);
    const [first, ...rest] = text.split(", ");
    this.tip.replaceChildren(el("b", {}, first), ...rest.map((part) => el("span", {}, part)));
    this.tip.hidden = false;
    const box = this.board.getBoundingClientRect();
    const x = Math.min(event.clientX - box.left + 14, box.width - this.tip.offsetWidth - 6);
    const y = event.clientY - box.top + 18;
    this.tip.style.left = `${Math.max(4, x)}px`;
    this.tip.style.top = `${y + this.tip.offsetHeight > box.height ? y - this.tip.offsetHeight - 28 : y}px`;
  }

  click(event) {
    const thing = this.thingAt(event);
    this.session.select(thing ? this.targetOf(thing) : "");
    if (thing) this.mirror.goTo(thing);
    this.focusOn(null);
  }

  focusOn(thing) {
    this.focus = thing;
    const place = thing && this.plan && this.painter.placeOf(this.plan, thing);
    if (place) {
      const { scrollTop, clientHeight } = this.scroller;
      if (place.y < scrollTop) this.scroller.scrollTop = place.y - 12;
      else if (place.y + Math.min(place.h, clientHeight) > scrollTop + clientHeight) this.scroller.scrollTop = place.y + Math.min(place.h, clientHeight) - clientHeight + 12;
    }
    this.request();
  }

  // -- keyboard -----------------------------------------------------------------------------------------------

  key(event) {
    // JupyterLab's shortcuts must not take these keys: "d d" would delete the cell.
    if (event.key !== "Tab") event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return this.escape();
    if (event.target.matches("select, input, button, summary")) return;
    if (this.mirror.element.contains(event.target) && this.mirror.key(event.key)) return event.preventDefault();
    const run = this.keys()[event.key];
    if (run) {
      event.preventDefault();
      run();
    }
  }

  keys() {
    const { timeline } = this.session;
    const thing = this.mirror.thing() || this.selection();
    const node = thing && thing.kind === "node" ? this.session.replica.nodes[thing.slot] : null;
    const select = () => thing && this.session.select(this.targetOf(thing));
    const onNode = (verb) => () => node && this.act(typeof verb === "function" ? verb(node) : verb, node.name);
    return {
      Enter: select, " ": select, p: () => this.togglePlay(), s: () => timeline.live && this.session.intend("step", "", { duration: 1 }),
      "[": () => this.scrub(timeline.cursor - 1), "]": () => this.scrub(timeline.cursor + 1), l: () => this.scrub(Infinity),
      f: onNode((each) => (each.flags & POWERED_OFF ? "recover" : "fail")), c: onNode((each) => (each.flags & CORDONED ? "uncordon" : "cordon")),
      d: onNode("drain"), "?": () => this.toggleHelp(),
      Delete: () => thing && thing.kind === "pod" && this.act("delete", this.session.replica.target(thing.slot)),
    };
  }

  escape() {
    if (!this.help.hidden) this.toggleHelp();
    else this.session.select("");
  }

  toggleHelp() {
    this.help.hidden = !this.help.hidden;
    if (!this.help.hidden) this.help.querySelector("button").focus();
    else this.mirror.focus();
  }

  toast(notice) {
    if (!notice || !notice.text) return;
    this.message.textContent = notice.text;
    this.message.classList.toggle("is-error", notice.level === "error");
    this.message.hidden = false;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => (this.message.hidden = true), notice.level === "error" ? 9000 : 4500);
  }
}

// A kernel of another version speaks another language: say so and show its still picture instead of a blank.
function showMismatch(session, element) {
  const hint = "This live view is of another version of k8slab: restart the kernel and run the cell again. Until then, a still picture.";
  const place = el("div", {});
  place.innerHTML = session.picture || "";
  session.places.add(place);
  element.appendChild(el("div", { class: "k8slab-view" }, el("p", { class: "k8slab-hint" }, hint), place));
  return () => session.places.delete(place);
}

export default () => {
  let session = null;
  return {
    initialize({ model }) {
      session = new Session(model);
      return () => session.close();
    },
    render({ model, el: element }) {
      session = session || new Session(model);
      if (session.mismatch) return showMismatch(session, element);
      const view = new View(session, element);
      return () => view.close();
    },
  };
};
