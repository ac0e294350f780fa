// The parts around the board: toolbar, legend, details of what is selected, events, help. Plain elements, no framework.

import { CORDONED, POWERED_OFF, READY } from "./replica.js";
import { clockText } from "./timeline.js";

const SPEEDS = [0.5, 1, 2, 5, 10, 30, 60, 300];

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const ICONS = {
  play: "M5 3.2v9.6a.6.6 0 0 0 .9.5l7.6-4.8a.6.6 0 0 0 0-1L5.9 2.7a.6.6 0 0 0-.9.5z",
  pause: "M4.5 3h2.2v10H4.5zM9.3 3h2.2v10H9.3z",
  step: "M3.5 3.4v9.2a.5.5 0 0 0 .8.4l6.2-4.6a.5.5 0 0 0 0-.8L4.3 3a.5.5 0 0 0-.8.4zM11.4 3H13v10h-1.6z",
  live: "M8 5.2a2.8 2.8 0 1 1 0 5.6a2.8 2.8 0 1 1 0-5.6z",
};

const SVG = "http://www.w3.org/2000/svg";

function svg(size, box, ...paths) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", `0 0 ${box} ${box}`);
  made.setAttribute("width", size);
  made.setAttribute("height", size);
  made.setAttribute("aria-hidden", "true");
  for (const attributes of paths) {
    const path = document.createElementNS(SVG, "path");
    for (const [name, value] of Object.entries(attributes)) path.setAttribute(name, value);
    made.appendChild(path);
  }
  return made;
}

// A state's icon as an element, the same as on the canvas.
export function stateIcon(code, size = 14) {
  const { colours, layers } = LOOK.states[code];
  const paint = (role) => (role ? `var(--k8s-${colours[role]})` : "none");
  return svg(size, LOOK.iconSize, ...layers.map((layer) => ({
    d: layer.path, fill: paint(layer.fill), stroke: paint(layer.stroke), "stroke-width": layer.width,
    "stroke-dasharray": layer.dash.join(" "), "stroke-linecap": "round", "stroke-linejoin": "round",
  })));
}

function button(label, title, onclick, icon) {
  const glyph = icon && svg(14, 16, { d: ICONS[icon], fill: "currentColor" });
  return el("button", { type: "button", class: "k8slab-button", title, onclick }, glyph, el("span", {}, label));
}

// Play, step, speed, the time bar, and what is shown.
export class Toolbar {
  constructor(actions) {
    this.play = button("Play", "Let virtual time pass (p)", actions.play, "play");
    this.step = button("Step", "One second of virtual time (s)", actions.step, "step");
    this.speed = el("select", { class: "k8slab-select", title: "Virtual seconds in a second", "aria-label": "Speed", onchange: () => actions.speed(Number(this.speed.value)) });
    this.setSpeed(1);
    this.clock = el("output", { class: "k8slab-clock", "aria-label": "Virtual time" }, "0.0s");
    this.bar = el("input", { type: "range", class: "k8slab-bar", min: 0, max: 0, value: 0, step: 1, "aria-label": "Look back in time", oninput: () => actions.seek(Number(this.bar.value)) });
    this.live = button("Live", "Back to now (l)", actions.live, "live");
    this.live.classList.add("k8slab-live");
    this.space = el("select", { class: "k8slab-select", "aria-label": "Namespace", onchange: () => actions.namespace(this.space.value) });
    this.system = el("input", { type: "checkbox", onchange: () => actions.system(this.system.checked) });
    const label = el("label", { class: "k8slab-check", title: "Show the cluster's own Pods" }, this.system, "kube-system");
    const help = button("?", "Keys (?)", actions.help);
    help.setAttribute("aria-label", "Keys");
    this.element = el("div", { class: "k8slab-toolbar", role: "toolbar", "aria-label": "Clock and filters" },
      el("div", { class: "k8slab-group" }, this.play, this.step, this.speed),
      el("div", { class: "k8slab-group k8slab-time" }, this.clock, this.bar, this.live),
      el("div", { class: "k8slab-group" }, this.space, label, help));
  }

  setSpeed(speed) {
    const values = SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS, speed].sort((a, b) => a - b);
    if (this.speed.options.length !== values.length || this.known !== speed) {
      this.speed.replaceChildren(...values.map((value) => el("option", { value }, `${value}×`)));
    }
    this.known = speed;
    this.speed.value = String(speed);
  }

  update({ timeline, replica, paused, speed, namespace, system, replaying }) {
    const past = !timeline.live;
    const running = past ? replaying : !paused;
    if (this.running !== running || this.wasPast !== past) {
      this.running = running;
      this.wasPast = past;
      const label = running ? "Pause" : past ? "Replay" : "Play";
      this.play.replaceChildren(svg(14, 16, { d: ICONS[running ? "pause" : "play"], fill: "currentColor" }), el("span", {}, label));
      this.live.classList.toggle("is-live", !past);
      this.live.disabled = !past;
      this.step.disabled = past;
    }
    if (this.known !== speed) this.setSpeed(speed);
    this.clock.textContent = clockText(timeline.time);
    this.bar.max = String(timeline.frames.length);
    this.bar.disabled = timeline.frames.length === 0;
    if (document.activeElement !== this.bar || !past) this.bar.value = String(timeline.cursor);
    this.bar.setAttribute("aria-valuetext", clockText(timeline.time));
    this.updateSpaces([...replica.namespaces.keys()].filter((name) => name !== "kube-system").sort(), namespace);
    this.system.checked = system;
  }

  updateSpaces(names, chosen) {
    const wanted = chosen && !names.includes(chosen) ? [...names, chosen] : names;
    const key = wanted.join();
    if (key !== this.spaces) {
      this.spaces = key;
      this.space.replaceChildren(el("option", { value: "" }, "all namespaces"), ...wanted.map((name) => el("option", { value: name }, name)));
    }
    this.space.value = chosen;
  }
}

// How many Pods are in each state; a state that occurred once stays, so that nothing jumps.
export class Legend {
  constructor() {
    this.items = new Map();
    this.nodes = el("span", { class: "k8slab-nodes" });
    this.element = el("div", { class: "k8slab-legend" }, this.nodes);
  }

  update(replica) {
    const nodes = replica.list();
    const ready = nodes.filter((node) => node.state === READY).length;
    this.nodes.textContent = `${ready} of ${nodes.length} nodes Ready`;
    this.nodes.classList.toggle("is-bad", ready < nodes.length);
    LOOK.states.forEach((state, code) => {
      const number = replica.counts[code];
      let item = this.items.get(code);
      if (!item && (number > 0 || state.name === "Running")) {
        item = el("span", { class: "k8slab-state" }, stateIcon(code), el("b", {}), state.name);
        item.style.order = String(code);
        this.items.set(code, item);
        this.element.appendChild(item);
      }
      if (item) {
        item.querySelector("b").textContent = String(number);
        item.classList.toggle("is-none", number === 0);
      }
    });
  }

  static summary(replica) {
    const nodes = replica.list();
    const bad = nodes.filter((node) => node.state !== READY).map((node) => `${node.name} NotReady`);
    const states = LOOK.states
      .map((state, code) => (replica.counts[code] ? `${replica.counts[code]} ${state.name}` : ""))
      .filter(Boolean);
    return [...(bad.length > 3 ? [`${bad.length} nodes NotReady`] : bad), states.length ? `Pods: ${states.join(", ")}` : "no Pods"].join("; ");
  }
}

// What is selected, and what one can do with it.
export class Inspector {
  constructor(actions) {
    this.actions = actions;
    this.element = el("section", { class: "k8slab-inspector", "aria-label": "Details" });
    this.show(null);
  }

  show(thing, replica, card, past) {
    const key = JSON.stringify([thing, past, card, thing && this.head(thing, replica)]);
    if (key === this.key) return;
    this.key = key;
    const open = this.element.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    this.element.replaceChildren(...(thing ? this.content(thing, replica, card, past) : [this.hint()]));
    // The button that was pressed may have been made anew: keep the keyboard where it was.
    if (open) (this.element.querySelector(`[data-act="${open}"]`) || this.element.querySelector("button"))?.focus();
  }

  hint() {
    return el("p", { class: "k8slab-hint" }, "Select a node or a Pod: click it, or press Tab to get into the board and use the arrow keys.");
  }

  head(thing, replica) {
    if (thing.kind === "node") {
      const node = replica.nodes[thing.slot];
      return { title: node.name, kind: "Node", state: node.state === READY ? "Ready" : "NotReady", flags: node.flags, code: 0 };
    }
    const code = replica.state[thing.slot];
    return { title: replica.names[thing.slot], kind: "Pod", state: code ? LOOK.states[code].name : "gone", flags: 0, code };
  }

  content(thing, replica, card, past) {
    const head = this.head(thing, replica);
    const title = el("header", {},
      head.code ? stateIcon(head.code, 16) : null,
      el("span", { class: "k8slab-kind" }, head.kind), el("strong", {}, head.title),
      el("span", { class: head.state === "NotReady" ? "k8slab-word is-bad" : "k8slab-word" }, head.state));
    const buttons = el("div", { class: "k8slab-actions" }, ...this.buttons(thing, head, replica, past));
    const parts = [title, buttons];
    if (card) parts.push(this.rows(card), ...this.lists(card));
    else if (!head.code && thing.kind === "pod") parts.push(el("p", { class: "k8slab-hint" }, "This Pod is not there any more. Look back in time to see it."));
    return parts;
  }

  buttons(thing, head, replica, past) {
    const target = thing.kind === "node" ? head.title : replica.target(thing.slot);
    const make = (verb, label, title, danger) => {
      const made = button(label, past ? "Go back to Live to act" : title, () => this.actions.act(verb, target));
      made.disabled = past;
      made.dataset.act = verb;
      if (danger) made.classList.add("is-danger");
      return made;
    };
    if (thing.kind === "pod") return head.code ? [make("delete", "Delete Pod", "kubectl delete pod (Delete)", true)] : [];
    const off = head.flags & POWERED_OFF;
    const cordoned = head.flags & CORDONED;
    return [
      off ? make("recover", "Recover", "Give the machine its power back (f)") : make("fail", "Fail", "Cut the machine's power (f)", true),
      cordoned ? make("uncordon", "Uncordon", "kubectl uncordon (c)") : make("cordon", "Cordon", "kubectl cordon: no new Pods (c)"),
      make("drain", "Drain", "kubectl drain: evict its Pods (d)"),
    ];
  }

  rows(card) {
    const list = el("dl", {});
    for (const [label, text] of card.rows) list.append(el("dt", {}, label), el("dd", {}, text));
    return list;
  }

  lists(card) {
    const conditions = card.conditions.map(([type, status, reason]) => el("span", { class: "k8slab-condition" }, `${type}=${status}`, reason ? el("i", {}, ` ${reason}`) : null));
    const parts = [];
    if (conditions.length) parts.push(el("h4", {}, "Conditions"), el("p", { class: "k8slab-conditions" }, ...conditions));
    if (card.events.length) {
      parts.push(el("h4", {}, "Events"));
      parts.push(el("ul", {}, ...card.events.slice().reverse().map(([type, reason, count, message]) =>
        el("li", { class: type === "Warning" ? "is-warning" : "" }, el("b", {}, reason), Number(count) > 1 ? ` ×${count}` : "", ` ${message}`))));
    }
    return parts;
  }
}

// The cluster's own events, newest first.
export class Feed {
  constructor() {
    this.list = el("ul", {});
    this.empty = el("p", { class: "k8slab-hint" }, "What the components report will appear here.");
    this.element = el("section", { class: "k8slab-feed", "aria-label": "Events" }, el("h4", {}, "Events"), this.empty, this.list);
    this.shown = 0;
  }

  update(events, total, until) {
    const key = `${total}|${until}`;
    if (key === this.key) return;
    this.key = key;
    const seen = events.filter((event) => event[0] <= until).slice(-60).reverse();
    this.empty.hidden = seen.length > 0;
    this.list.replaceChildren(...seen.map(([time, type, reason, target, message]) =>
      el("li", { class: type === "Warning" ? "is-warning" : "", title: message },
        el("time", {}, clockText(time)), el("b", {}, reason), el("span", {}, target), el("i", {}, message))));
  }
}

const KEYS = [
  ["Tab", "into the board"], ["Arrows", "move"], ["Enter", "select, show details"], ["Esc", "deselect"],
  ["p", "play or pause"], ["s", "step one second"], ["[ and ]", "back and forth in time"], ["l", "back to live"],
  ["f", "fail or recover the node"], ["c", "cordon or uncordon it"], ["d", "drain it"], ["Delete", "delete the Pod"], ["?", "this list"],
];

export function helpDialog(close) {
  const list = el("dl", {});
  for (const [key, text] of KEYS) list.append(el("dt", {}, el("kbd", {}, key)), el("dd", {}, text));
  const done = button("Close", "Close (Esc)", close);
  return el("div", { class: "k8slab-help", role: "dialog", "aria-label": "Keys", hidden: true }, el("h4", {}, "Keys"), list, done);
}
