"""The front end in a plain page with a stand-in for the widget's model: what JupyterLab is not needed for."""

from __future__ import annotations

import base64
import json
from typing import Any

from k8slab.widgets.feed import Message
from k8slab.widgets.module import module_text, style_text
from k8slab.widgets.protocol import SCHEMA

_MODEL = """
const unpack = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
const traits = TRAITS, handlers = {};
const fire = (name, ...args) => (handlers[name] || []).forEach(each => each(...args));
window.sent = [];
window.model = {
  get: name => traits[name],
  set(name, value) { traits[name] = value; fire("change:" + name); },
  save_changes() {}, off() {},
  send(message) { window.sent.push(message); },
  on(name, callback) { (handlers[name] = handlers[name] || []).push(callback); },
};
window.receive = message => fire("msg:custom", message.content, message.buffers.map(unpack));
window.pixels = () => { const c = document.querySelector("canvas");
  return c.getContext("2d").getImageData(0, 0, c.width, c.height).data; };
const module = await import("data:text/javascript;base64,MODULE");
const widget = await module.default();
widget.initialize({ model });
window.show = () => { const el = document.createElement("div"); document.body.append(el);
  const end = widget.render({ model, el }); return () => { end(); el.remove(); }; };
window.end = window.show();
window.ready = true;
"""


class Page:
    """A page with one view; ``send`` is the kernel's side."""

    def __init__(self, browser: Any, dark: bool = False, traits: dict[str, Any] | None = None, **options: Any) -> None:
        self.errors: list[str] = []
        options.setdefault("viewport", {"width": 1000, "height": 1000})
        self.page = browser.new_page(color_scheme="dark" if dark else "light", **options)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        plain = {
            **{"schema": SCHEMA, "mode": "board", "theme": "auto", "height": 640, "speed": 1, "paused": True},
            **{"namespace": "", "system": True, "selected": "", "intent": {}, "notice": {}, **(traits or {})},
        }
        module = base64.b64encode(module_text().encode()).decode()
        script = _MODEL.replace("TRAITS", json.dumps(plain)).replace("MODULE", module)
        ground = "#111" if dark else "#fff"
        self.page.set_content(
            f"<!doctype html><meta charset=utf-8><style>{style_text()} body{{background:{ground}}}</style>"
            f"<body><script type=module>{script}</script>"
        )
        self.page.wait_for_function("window.ready")

    def _note(self, message: Any) -> None:
        # Reading the canvas back is what these tests do, not the front end.
        if "willReadFrequently" not in message.text:
            self.errors.append(message.text)

    def send(self, message: Message | None) -> None:
        """Hand a message to the front end."""
        if message is not None:
            buffers = [base64.b64encode(buffer).decode() for buffer in message.buffers]
            self.page.evaluate("m => receive(m)", {"content": message.content, "buffers": buffers})

    def settle(self, milliseconds: int = 900) -> None:
        """Wait until movement has ended."""
        self.page.wait_for_timeout(milliseconds)

    def digest(self) -> int:
        """A fingerprint of what the canvas shows."""
        return self.page.evaluate("() => pixels().reduce((hash, value) => (Math.imul(hash, 31) + value) >>> 0, 7)")

    def colours(self) -> set[tuple[int, int, int]]:
        """All colours on the canvas that cover more than a few pixels."""
        found = self.page.evaluate(
            """() => { const d = pixels(), n = new Map();
                for (let i = 0; i < d.length; i += 4) {
                    const k = d[i] << 16 | d[i + 1] << 8 | d[i + 2]; n.set(k, (n.get(k) || 0) + 1); }
                return [...n].filter(e => e[1] > 8).map(e => e[0]); }"""
        )
        return {(code >> 16, code >> 8 & 255, code & 255) for code in found}

    def close(self) -> None:
        """End the view and the page."""
        self.page.close()
