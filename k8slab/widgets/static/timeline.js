// What has happened since the snapshot, forwards and backwards: messages in, and a way back in time without the kernel.

import { RECORD_SIZE } from "./replica.js";

const MARK_SIZE = 16;
const MAX_BYTES = 24 * 1024 * 1024;

export class Timeline {
  constructor(replica) {
    this.replica = replica;
    this.seq = -1;
    this.now = 0; // lab time of the newest message, microseconds
    this.reset();
  }

  reset() {
    this.frames = []; // {t, view, from, to, looks}: the records of one instant, and how nodes look after it
    this.cursor = 0; // how many frames are applied
    this.start = this.now;
    this.bytes = 0;
  }

  get live() {
    return this.cursor === this.frames.length;
  }

  // The lab time that is shown.
  get time() {
    if (this.live) return this.now;
    return this.cursor ? this.frames[this.cursor - 1].t : this.start;
  }

  // Take a message; returns false where one is missing and everything must be asked for again.
  take(message, buffers) {
    if (message.k === "snap") {
      if (message.seq === this.seq) return true;
      this.seq = message.seq;
      this.now = message.t;
      this.reset();
      this.replica.load(message, buffers);
      return true;
    }
    if (this.seq < 0 || message.seq <= this.seq) return true;
    if (message.seq !== this.seq + 1) return false;
    this.seq = message.seq;
    const live = this.live;
    this.now = message.t;
    if (buffers.length) this.add(message, buffers, live);
    return true;
  }

  add(message, [records, marks, nodes, pods, strings], live) {
    const looks = this.replica.learn(message.reasons, nodes, pods, strings, false);
    let from = 0;
    for (let at = 0; at < marks.byteLength; at += MARK_SIZE) {
      const to = marks.getUint32(at + 8, true);
      this.frames.push({ t: marks.getFloat64(at, true), view: records, from, to, looks: [] });
      this.bytes += (to - from) * RECORD_SIZE;
      from = to;
    }
    if (looks.length) {
      if (!from) this.frames.push({ t: message.t, view: records, from, to: from, looks: [] });
      this.frames[this.frames.length - 1].looks = looks;
    }
    if (live) this.seek(this.frames.length);
    while (this.bytes > MAX_BYTES && this.cursor > 1) this.forget();
  }

  forget() {
    const oldest = this.frames.shift();
    this.bytes -= (oldest.to - oldest.from) * RECORD_SIZE;
    this.start = oldest.t;
    this.cursor -= 1;
  }

  // Show the cluster as it was after `cursor` frames.
  seek(cursor) {
    const wanted = Math.max(0, Math.min(cursor, this.frames.length));
    while (this.cursor < wanted) this.run(this.frames[this.cursor++], false);
    while (this.cursor > wanted) this.run(this.frames[--this.cursor], true);
  }

  run(frame, back) {
    const { view, from, to, looks } = frame;
    for (const [slot, before, after] of looks) this.replica.dress(slot, back ? before : after);
    if (back) for (let i = to - 1; i >= from; i--) this.replica.apply(view, i * RECORD_SIZE, true);
    else for (let i = from; i < to; i++) this.replica.apply(view, i * RECORD_SIZE, false);
  }
}

// A lab time for people, as k8slab writes durations: 12.5s, 5m03s, 1h02m.
export function clockText(us) {
  if (us < 0) return "-" + clockText(-us);
  const tenths = Math.floor(us / 100000);
  const seconds = Math.floor(tenths / 10);
  if (seconds < 60) return `${seconds}.${tenths % 10}s`;
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m${two(seconds % 60)}s`;
}
