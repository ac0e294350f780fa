// Where everything goes. Four levels of detail: named chips, icons, small squares, and a density map.

export const CHIPS = "chips";
export const TILES = "tiles";
export const SQUARES = "squares";
export const DENSITY = "density";

const MAX_TILES = 3000;
const MAX_SQUARES = 20000;
const CHIP_PODS = 14;
const CHIP_NODES = 24;

export const M = { margin: 14, gap: 12, pad: 12, head: 102, chip: 24, chipGap: 5, tile: 18, tileGap: 5, system: 22 };

// The level of detail; `before` is the last one: a board at the edge must not jump to and fro.
export function detail(replica, before) {
  const total = replica.total();
  if (total > MAX_SQUARES) return DENSITY;
  const nodes = replica.list();
  if (total > MAX_TILES || nodes.length > 150) return SQUARES;
  const busiest = nodes.reduce((most, node) => Math.max(most, node.own.used), 0);
  const slack = before === CHIPS ? 4 : 0;
  return busiest <= CHIP_PODS + slack && nodes.length <= CHIP_NODES ? CHIPS : TILES;
}

// Everything the painter and the pointer need: {lod, width, height, waiting, cards, place(slot) -> {x, y, w, h}}.
export function layout(replica, width, before) {
  const lod = detail(replica, before && before.lod);
  const memory = before && before.lod === lod && before.width === width ? before.rows : new Map();
  return lod === CHIPS || lod === TILES
    ? cards(replica, width, lod, memory)
    : blocks(replica, width, lod);
}

function columnsFor(number, width, smallest) {
  const most = Math.max(1, Math.min(number, Math.floor((width - 2 * M.margin + M.gap) / (smallest + M.gap))));
  return Math.max(1, Math.ceil(number / Math.ceil(number / most)));
}

// How many rows of Pods a row of cards has room for: it grows at once, and shrinks only when much is empty.
function calmRows(memory, key, needed, least) {
  const had = memory.get(key) || least;
  const rows = needed > had || had - needed > 3 ? Math.max(needed, least) : had;
  memory.set(key, rows);
  return rows;
}

function cards(replica, width, lod, memory) {
  const nodes = replica.list();
  const columns = columnsFor(nodes.length, width, lod === CHIPS ? 190 : 150);
  const card = (width - 2 * M.margin - M.gap * (columns - 1)) / columns;
  const inner = card - 2 * M.pad;
  const own = grid(lod, inner);
  const theirs = grid(TILES, inner);
  const wait = grid(lod, width - 2 * M.margin - 2 * M.pad, 168);
  const out = { lod, width, rows: memory, cards: [], byNode: new Map(), own, theirs, wait };
  let y = M.margin;
  const waitingRows = calmRows(memory, "waiting", Math.ceil(replica.waiting.slots.length / wait.columns), 1);
  out.waiting = { x: M.margin, y, w: width - 2 * M.margin, h: 28 + waitingRows * wait.pitchY - wait.gap + 12 };
  y += out.waiting.h + M.gap;
  for (let start = 0; start < nodes.length; start += columns) {
    const row = nodes.slice(start, start + columns);
    const rows = Math.max(...row.map((node) => Math.ceil(node.own.slots.length / own.columns)));
    const systemRows = Math.max(...row.map((node) => Math.ceil(node.theirs.slots.length / theirs.columns)));
    const podsHigh = calmRows(memory, `own${start}`, rows, lod === CHIPS ? 3 : 2) * own.pitchY - own.gap;
    const system = replica.system ? calmRows(memory, `system${start}`, systemRows, 1) * theirs.pitchY - theirs.gap : 0;
    const height = M.head + M.pad + podsHigh + (system ? 12 + M.system + system : 0) + M.pad;
    row.forEach((node, index) => {
      const x = M.margin + index * (card + M.gap);
      const place = { node, x, y, w: card, h: height, ownY: y + M.head + M.pad, systemY: system ? y + height - M.pad - system : 0 };
      out.cards.push(place);
      out.byNode.set(node.slot, place);
    });
    y += height + M.gap;
  }
  out.height = y - M.gap + M.margin;
  out.place = (slot) => placeOnCard(replica, out, slot);
  return out;
}

function grid(lod, inner, smallest = 128) {
  if (lod === TILES) {
    const pitch = M.tile + M.tileGap;
    return { columns: Math.max(1, Math.floor((inner + M.tileGap) / pitch)), w: M.tile, h: M.tile, gap: M.tileGap, pitchX: pitch, pitchY: pitch };
  }
  const columns = inner < 268 ? 1 : Math.max(1, Math.floor((inner + M.chipGap) / (smallest + M.chipGap)));
  const w = (inner - (columns - 1) * M.chipGap) / columns;
  return { columns, w, h: M.chip, gap: M.chipGap, pitchX: w + M.chipGap, pitchY: M.chip + M.chipGap };
}

function placeOnCard(replica, out, slot) {
  const cell = replica.cell[slot];
  if (cell < 0 || !replica.state[slot]) return null;
  const node = replica.node[slot];
  if (node === 0xffff) return at(out.wait, cell, out.waiting.x + M.pad, out.waiting.y + 28);
  const card = out.byNode.get(node);
  if (!card) return null;
  if (replica.theirs[slot]) return at(out.theirs, cell, card.x + M.pad, card.systemY);
  return at(out.own, cell, card.x + M.pad, card.ownY);
}

function at(grid, cell, x, y) {
  const row = Math.floor(cell / grid.columns);
  return { x: x + (cell - row * grid.columns) * grid.pitchX, y: y + row * grid.pitchY, w: grid.w, h: grid.h };
}

// Very many nodes: each a block of squares, all equally large, in reading order.
function blocks(replica, width, lod) {
  const nodes = replica.list();
  let most = 1;
  for (const node of nodes) most = Math.max(most, node.own.slots.length + node.theirs.slots.length);
  const columns = Math.max(1, Math.ceil(Math.sqrt(most * 1.3)));
  const rows = Math.ceil(most / columns);
  const size = lod === SQUARES ? (nodes.length > 600 ? 5 : 7) : densitySize(nodes.length, columns, rows, width);
  const gap = size >= 5 ? 1 : 0;
  const edge = size >= 5 ? 4 : 1;
  const w = columns * (size + gap) - gap + 2 * edge;
  const h = rows * (size + gap) - gap + 2 * edge;
  const space = size >= 5 ? 6 : 2;
  const inRow = Math.max(1, Math.floor((width - 2 * M.margin + space) / (w + space)));
  const out = { lod, width, rows: new Map(), cards: [], byNode: new Map(), size, gap, edge, columns, w, h };
  const wide = Math.max(1, Math.floor((width - 2 * M.margin) / (size + gap)));
  const waitingHeight = replica.waiting.slots.length ? Math.ceil(replica.waiting.slots.length / wide) * (size + gap) + 26 : 26;
  out.waiting = { x: M.margin, y: M.margin, w: width - 2 * M.margin, h: waitingHeight };
  const top = M.margin + waitingHeight + M.gap;
  nodes.forEach((node, index) => {
    const row = Math.floor(index / inRow);
    const place = { node, x: M.margin + (index - row * inRow) * (w + space), y: top + row * (h + space), w, h };
    out.cards.push(place);
    out.byNode.set(node.slot, place);
  });
  out.height = top + Math.ceil(nodes.length / inRow) * (h + space) + M.margin;
  const step = size + gap;
  // Call `dot(slot, x, y)` for each of a node's Pods, without making an object for each: there are very many.
  out.each = (card, slots, first, dot) => {
    for (let cell = 0; cell < slots.length; cell++) {
      if (slots[cell] < 0) continue;
      const index = first + cell;
      const row = Math.floor(index / columns);
      dot(slots[cell], card.x + edge + (index - row * columns) * step, card.y + edge + row * step);
    }
  };
  out.place = (slot) => {
    const cell = replica.cell[slot];
    if (cell < 0 || !replica.state[slot]) return null;
    const node = replica.node[slot];
    if (node === 0xffff) return { x: M.margin + (cell % wide) * step, y: M.margin + 22 + Math.floor(cell / wide) * step, w: size, h: size };
    const card = out.byNode.get(node);
    if (!card) return null;
    const index = replica.theirs[slot] ? card.node.own.slots.length + cell : cell;
    const row = Math.floor(index / columns);
    return { x: card.x + edge + (index - row * columns) * step, y: card.y + edge + row * step, w: size, h: size };
  };
  return out;
}

// The largest square with which everything is seen at once, about as high as a screen.
function densitySize(nodes, columns, rows, width) {
  for (let size = 4; size > 1; size--) {
    const inRow = Math.max(1, Math.floor(width / (columns * size + 4)));
    if (Math.ceil(nodes / inRow) * (rows * size + 4) <= 640) return size;
  }
  return 2;
}

// What is at a point of the board: {kind: "pod"|"node", slot} or null.
export function hit(replica, plan, x, y) {
  for (const card of plan.cards) {
    if (x < card.x || y < card.y || x > card.x + card.w || y > card.y + card.h) continue;
    const slot = inCells(replica, plan, [...card.node.own.slots, ...card.node.theirs.slots], x, y);
    return slot >= 0 ? { kind: "pod", slot } : { kind: "node", slot: card.node.slot };
  }
  const slot = inCells(replica, plan, replica.waiting.slots, x, y);
  return slot >= 0 ? { kind: "pod", slot } : null;
}

function inCells(replica, plan, slots, x, y) {
  for (const slot of slots) {
    const place = slot >= 0 && plan.place(slot);
    if (place && x >= place.x && y >= place.y && x <= place.x + place.w && y <= place.y + place.h) return slot;
  }
  return -1;
}
