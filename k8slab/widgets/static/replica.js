// The cluster as the kernel tells it: Pods and nodes by slot, and which cell of its node each Pod sits in.
// The byte layout is that of k8slab/widgets/protocol.py.

export const NO_NODE = 0xffff;
export const NODE_GONE = 255;
export const READY = 1; // a node's state; 0 is not ready, 2 not heard of
export const CORDONED = 1;
export const CONTROL_PLANE = 2;
export const POWERED_OFF = 4;
export const RECORD_SIZE = 12;
const NODE_SIZE = 16;
const POD_SIZE = 16;
const NODE_RECORD = 0x80000000;
const SYSTEM = "kube-system";
const TERMINAL = new Set([7, 8]); // Succeeded, Failed: they ask for nothing any more

function grown(array, size) {
  if (size <= array.length) return array;
  const bigger = new array.constructor(Math.max(size, array.length * 2, 64));
  bigger.set(array);
  return bigger;
}

// Pods of one kind on one node. A Pod keeps its cell; a free cell is used again by the next that comes.
class Cells {
  constructor() {
    this.slots = [];
    this.used = 0;
  }
  // `before` is the cell that it had here once (-1: none): who looks back in time finds everything where it was.
  add(slot, before) {
    this.used += 1;
    let cell = before;
    if (cell < 0 || (this.slots[cell] ?? -1) !== -1) {
      const free = this.used <= this.slots.length ? this.slots.indexOf(-1) : -1;
      cell = free >= 0 ? free : this.slots.length;
    }
    while (this.slots.length <= cell) this.slots.push(-1);
    this.slots[cell] = slot;
    return cell;
  }
  remove(cell) {
    this.slots[cell] = -1;
    this.used -= 1;
    while (this.slots.length && this.slots[this.slots.length - 1] === -1) this.slots.pop();
  }
}

export class Replica {
  constructor() {
    this.version = 0;
    this.namespace = "";
    this.system = true;
    this.clear();
  }

  clear() {
    this.nodes = []; // by slot: {name, roles, taints, state, flags, cpu, memory, most, usedCpu, usedMemory, count, own, theirs}
    this.order = null;
    this.pods = 0;
    this.node = new Uint16Array(0);
    this.state = new Uint8Array(0);
    this.reason = new Uint8Array(0);
    this.cell = new Int32Array(0);
    this.oldCell = new Int32Array(0);
    this.oldNode = new Uint16Array(0);
    this.cpu = new Uint32Array(0);
    this.memory = new Uint32Array(0);
    this.theirs = new Uint8Array(0);
    this.names = [];
    this.spaces = [];
    this.apps = [];
    this.reasons = [""];
    this.waiting = new Cells();
    this.counts = new Int32Array(16);
    this.namespaces = new Map();
    this.version += 1;
  }

  load(message, buffers) {
    this.clear();
    this.learn(message.reasons, buffers[0], buffers[1], buffers[2], true);
  }

  // New words, nodes and Pods; `placed` says whether the rows tell where Pods are (in a snapshot) or records will.
  // Returns how nodes look from now on, as [slot, before, after]: a snapshot's are put in place, others are not yet.
  learn(reasons, nodes, pods, strings, placed) {
    if (reasons) this.reasons.push(...reasons);
    const lines = strings && strings.byteLength ? new TextDecoder().decode(strings).split("\n") : [];
    let line = 0;
    const looks = [];
    for (let at = 0; nodes && at < nodes.byteLength; at += NODE_SIZE) looks.push(this.readNode(nodes, at, lines[line++], placed));
    const first = this.pods;
    for (let at = 0; pods && at < pods.byteLength; at += POD_SIZE) this.readPod(pods, at, lines[line++], placed);
    if (placed) for (let slot = first; slot < this.pods; slot++) this.enter(slot);
    this.version += 1;
    return looks;
  }

  readNode(view, at, line, placed) {
    const node = this.nodeAt(view.getUint16(at, true));
    const [name, roles, taints] = line.split("\t");
    const before = { roles: node.roles, taints: node.taints, cpu: node.cpu, memory: node.memory, most: node.most };
    const after = {
      roles, taints, cpu: view.getUint32(at + 4, true), memory: view.getUint32(at + 8, true), most: view.getUint16(at + 12, true),
    };
    if (placed) {
      node.state = view.getUint8(at + 2);
      node.flags = view.getUint8(at + 3);
    }
    if (placed || !node.name) this.dress(node.slot, after);
    node.name = name;
    return [node.slot, before, after];
  }

  dress(slot, look) {
    Object.assign(this.nodes[slot], look);
    this.order = null;
    this.version += 1;
  }

  nodeAt(slot) {
    while (this.nodes.length <= slot) {
      this.nodes.push({
        slot: this.nodes.length, name: "", roles: "", taints: "", state: NODE_GONE, flags: 0, cpu: 0, memory: 0, most: 0,
        usedCpu: 0, usedMemory: 0, count: 0, own: new Cells(), theirs: new Cells(),
      });
    }
    return this.nodes[slot];
  }

  readPod(view, at, line, placed) {
    const slot = view.getUint32(at, true);
    for (const key of ["node", "state", "reason", "cell", "oldCell", "oldNode", "cpu", "memory", "theirs"]) {
      this[key] = grown(this[key], slot + 1);
    }
    const [space, name, app] = line.split("\t");
    this.pods = Math.max(this.pods, slot + 1);
    this.node[slot] = placed ? view.getUint16(at + 4, true) : NO_NODE;
    this.state[slot] = placed ? view.getUint8(at + 6) : 0;
    this.reason[slot] = placed ? view.getUint8(at + 7) : 0;
    this.cpu[slot] = view.getUint32(at + 8, true);
    this.memory[slot] = view.getUint32(at + 12, true);
    this.cell[slot] = this.oldCell[slot] = -1;
    this.theirs[slot] = space === SYSTEM ? 1 : 0;
    this.spaces[slot] = space;
    this.names[slot] = name;
    this.apps[slot] = app;
  }

  // One record forwards (`back` false) or backwards in time.
  apply(view, at, back) {
    const id = view.getUint32(at, true);
    const state = view.getUint8(at + (back ? 8 : 6));
    const extra = view.getUint8(at + (back ? 9 : 7));
    if (id >= NODE_RECORD) {
      const node = this.nodeAt((id - NODE_RECORD) & 0xffff);
      node.state = state;
      node.flags = extra;
      this.order = null;
    } else {
      this.move(id, view.getUint16(at + (back ? 10 : 4), true), state, extra);
    }
    this.version += 1;
  }

  move(slot, node, state, reason) {
    // A Pod that only changes its state keeps its cell.
    const stays = this.state[slot] && state && node === this.node[slot];
    if (stays) this.count(slot, -1);
    else this.leave(slot);
    this.node[slot] = node;
    this.state[slot] = state;
    this.reason[slot] = reason;
    if (stays) this.count(slot, 1);
    else this.enter(slot);
  }

  leave(slot) {
    if (!this.state[slot]) return;
    this.count(slot, -1);
    if (this.cell[slot] < 0) return;
    this.cells(slot).remove(this.cell[slot]);
    this.oldNode[slot] = this.node[slot];
    this.oldCell[slot] = this.cell[slot];
    this.cell[slot] = -1;
  }

  enter(slot) {
    if (!this.state[slot]) return;
    this.count(slot, 1);
    const before = this.oldNode[slot] === this.node[slot] ? this.oldCell[slot] : -1;
    this.cell[slot] = this.visible(slot) ? this.cells(slot).add(slot, before) : -1;
  }

  count(slot, sign) {
    if (this.node[slot] !== NO_NODE) {
      const node = this.nodeAt(this.node[slot]);
      node.count += sign;
      this.request(node, slot, sign);
    }
    if (!this.theirs[slot]) this.counts[this.state[slot]] += sign;
    this.tally(this.spaces[slot], sign);
  }

  request(node, slot, sign) {
    if (TERMINAL.has(this.state[slot])) return;
    node.usedCpu += sign * this.cpu[slot];
    node.usedMemory += sign * this.memory[slot];
  }

  tally(space, change) {
    const number = (this.namespaces.get(space) || 0) + change;
    if (number > 0) this.namespaces.set(space, number);
    else this.namespaces.delete(space);
  }

  cells(slot) {
    if (this.node[slot] === NO_NODE) return this.waiting;
    const node = this.nodeAt(this.node[slot]);
    return this.theirs[slot] ? node.theirs : node.own;
  }

  visible(slot) {
    if (this.theirs[slot] && !this.system) return false;
    return !this.namespace || this.spaces[slot] === this.namespace;
  }

  // Show only some Pods: all cells are given out anew.
  choose(namespace, system) {
    if (namespace === this.namespace && system === this.system) return;
    this.namespace = namespace;
    this.system = system;
    this.waiting = new Cells();
    for (const node of this.nodes) {
      node.own = new Cells();
      node.theirs = new Cells();
    }
    for (let slot = 0; slot < this.pods; slot++) {
      if (!this.state[slot]) continue;
      this.cell[slot] = this.visible(slot) ? this.cells(slot).add(slot, -1) : -1;
      this.oldCell[slot] = -1;
    }
    this.version += 1;
  }

  // The nodes that are there: control planes first, then by name as people count (worker-2 before worker-10).
  list() {
    if (!this.order) {
      const key = (node) => (node.flags & CONTROL_PLANE ? 0 : 1);
      const order = new Intl.Collator("en", { numeric: true });
      this.order = this.nodes
        .filter((node) => node.name && node.state !== NODE_GONE)
        .sort((a, b) => key(a) - key(b) || order.compare(a.name, b.name));
    }
    return this.order;
  }

  podsOf(node) {
    return [...node.own.slots, ...node.theirs.slots].filter((slot) => slot >= 0);
  }

  target(slot) {
    return `pod/${this.spaces[slot]}/${this.names[slot]}`;
  }

  suffix(slot) {
    const name = this.names[slot];
    const app = this.apps[slot];
    return name === app ? "" : name.slice(name.lastIndexOf("-") + 1);
  }

  reasonOf(slot) {
    return this.reasons[this.reason[slot]] || "";
  }

  // What is shown in total: Pods that have a cell.
  total() {
    let number = this.waiting.used;
    for (const node of this.nodes) number += node.own.used + node.theirs.used;
    return number;
  }

  find(target) {
    const [kind, ...rest] = target.split("/");
    if (kind === "node") {
      const node = this.nodes.find((each) => each.name === rest[0] && each.state !== NODE_GONE);
      return node ? { kind, slot: node.slot } : null;
    }
    for (let slot = this.pods - 1; slot >= 0; slot--) {
      if (this.state[slot] && this.names[slot] === rest[1] && this.spaces[slot] === rest[0]) return { kind: "pod", slot };
    }
    return null;
  }
}
