// The same board as a grid of elements that nobody sees: for the keyboard and for people who hear pages.

import { CORDONED, POWERED_OFF, READY } from "./replica.js";

const MAX_ROWS = 200;
const MAX_PODS = 60;

export function nodeText(node) {
  const state = node.state === READY ? "Ready" : "NotReady";
  const more = [
    node.flags & CORDONED ? "cordoned" : "",
    node.flags & POWERED_OFF ? "no power" : "",
    node.taints ? `taints ${node.taints}` : "",
  ].filter(Boolean);
  return `Node ${node.name}, ${[state, ...more].join(", ")}, ${node.count} Pods`;
}

export function podText(replica, slot) {
  const state = LOOK.states[replica.state[slot]].name;
  const reason = replica.reasonOf(slot);
  const word = reason && reason !== state ? `${state}, ${reason}` : state;
  return `Pod ${replica.names[slot]}, namespace ${replica.spaces[slot]}, ${word}`;
}

// A grid with one row a node: first the node, then its Pods; arrow keys move, one cell is in the tab order.
export class Mirror {
  constructor(replica, onFocus) {
    this.replica = replica;
    this.onFocus = onFocus;
    this.page = 0;
    this.at = { row: 0, column: 0 };
    this.rows = [];
    this.element = document.createElement("div");
    this.element.className = "k8slab-mirror";
    this.element.setAttribute("role", "grid");
    this.element.setAttribute("aria-label", "Nodes and their Pods. Arrow keys move, Enter shows details, question mark lists the keys.");
    this.element.addEventListener("focusin", (event) => this.focused(event.target));
  }

  update() {
    const rows = this.model();
    this.element.setAttribute("aria-rowcount", String(this.replica.list().length + 1));
    rows.forEach((cells, index) => this.updateRow(index, cells));
    while (this.rows.length > rows.length) this.rows.pop().element.remove();
    this.clamp();
    this.rove();
  }

  model() {
    const { replica } = this;
    const nodes = replica.list();
    if (this.page * MAX_ROWS >= nodes.length) this.page = 0;
    const part = nodes.slice(this.page * MAX_ROWS, (this.page + 1) * MAX_ROWS);
    const rows = part.map((node) => [
      { kind: "node", slot: node.slot, text: nodeText(node) },
      ...replica.podsOf(node).slice(0, MAX_PODS).map((slot) => ({ kind: "pod", slot, text: podText(replica, slot) })),
    ]);
    const waiting = replica.waiting.slots.filter((slot) => slot >= 0);
    const head = { kind: "strip", slot: -1, text: `Not scheduled: ${waiting.length} Pods` };
    rows.unshift([head, ...waiting.slice(0, MAX_PODS).map((slot) => ({ kind: "pod", slot, text: podText(replica, slot) }))]);
    return rows;
  }

  updateRow(index, cells) {
    let row = this.rows[index];
    if (!row) {
      row = { element: document.createElement("div"), cells: [] };
      row.element.setAttribute("role", "row");
      this.element.appendChild(row.element);
      this.rows[index] = row;
    }
    cells.forEach((cell, column) => {
      let made = row.cells[column];
      if (!made) {
        made = { element: document.createElement("div") };
        made.element.setAttribute("role", column ? "gridcell" : "rowheader");
        made.element.tabIndex = -1;
        made.element.dataset.row = String(index);
        made.element.dataset.column = String(column);
        row.element.appendChild(made.element);
        row.cells[column] = made;
      }
      if (made.text !== cell.text) made.element.textContent = made.text = cell.text;
      made.thing = cell;
    });
    while (row.cells.length > cells.length) row.cells.pop().element.remove();
  }

  clamp() {
    this.at.row = Math.max(0, Math.min(this.at.row, this.rows.length - 1));
    const row = this.rows[this.at.row];
    this.at.column = row ? Math.max(0, Math.min(this.at.column, row.cells.length - 1)) : 0;
  }

  cell() {
    const row = this.rows[this.at.row];
    return row && row.cells[this.at.column];
  }

  // What has the focus, as {kind, slot}.
  thing() {
    const cell = this.cell();
    return cell && cell.thing.kind !== "strip" ? cell.thing : null;
  }

  rove() {
    if (this.open && this.open !== this.cell()) this.open.element.tabIndex = -1;
    this.open = this.cell();
    if (this.open) this.open.element.tabIndex = 0;
  }

  focused(element) {
    if (element.dataset.row === undefined) return;
    this.at = { row: Number(element.dataset.row), column: Number(element.dataset.column) };
    this.rove();
    this.onFocus(this.thing());
  }

  focus() {
    const cell = this.cell();
    if (cell) cell.element.focus({ preventScroll: true });
  }

  // Move the focus to a thing on the board, where it is on this page.
  goTo(thing) {
    for (let row = 0; row < this.rows.length; row++) {
      const column = this.rows[row].cells.findIndex((cell) => cell.thing.kind === thing.kind && cell.thing.slot === thing.slot);
      if (column >= 0) {
        this.at = { row, column };
        this.rove();
        this.focus();
        return true;
      }
    }
    return false;
  }

  // An arrow, Home, End or a page key; returns whether the key was one.
  key(name) {
    const { at } = this;
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (steps[name]) {
      at.row += steps[name][0];
      at.column += steps[name][1];
      this.turn();
    } else if (name === "Home") at.column = 0;
    else if (name === "End") at.column = Infinity;
    else if (name === "PageDown") at.row += 10;
    else if (name === "PageUp") at.row -= 10;
    else return false;
    this.clamp();
    this.rove();
    this.focus();
    return true;
  }

  // Past the last row begins the next page of very many nodes.
  turn() {
    const pages = Math.ceil(this.replica.list().length / MAX_ROWS);
    if (this.at.row >= this.rows.length && this.page + 1 < pages) {
      this.page += 1;
      this.at.row = 1;
      this.update();
    } else if (this.at.row < 0 && this.page > 0) {
      this.page -= 1;
      this.update();
      this.at.row = this.rows.length - 1;
    }
  }
}
