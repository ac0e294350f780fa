"""ClusterView: the live board of a lab."""

from __future__ import annotations

import time
from typing import Any

import anywidget
import traitlets

from k8slab.errors import K8sLabError
from k8slab.views.board import Board, board_html, board_model, board_text
from k8slab.views.object import find_object, object_card
from k8slab.widgets.feed import Feed, Message
from k8slab.widgets.module import module_text, style_text
from k8slab.widgets.player import MAX_SPEED, MIN_SPEED, player_of
from k8slab.widgets.protocol import SCHEMA

#: Where nothing but time has changed, its reading is sent at most so often (seconds).
TICK = 0.1

#: What the front end may ask for, and whether the lab does it (``lab.submit``).
LAB_VERBS = frozenset({"fail", "recover", "cordon", "uncordon", "drain", "delete", "step"})


class ClusterView(anywidget.AnyWidget):
    """The live board of ``lab``: nodes and their Pods, with a clock, actions, and a way back in time.

    Show it as the last value of a cell. What a front end asks for arrives as changes of the trait ``intent``, is put
    into the player's queue, and done there. Where there is no front end, the still picture with its table is shown
    instead. ``theme`` is ``auto``, ``light`` or ``dark``; ``namespace`` and ``system`` choose Pods; ``height`` is how
    many pixels the board may take before it scrolls.
    """

    _esm = module_text()
    _css = style_text()

    schema = traitlets.Int(SCHEMA).tag(sync=True)
    mode = traitlets.Unicode("board").tag(sync=True)
    theme = traitlets.Enum(("auto", "light", "dark"), "auto").tag(sync=True)
    height = traitlets.Int(640).tag(sync=True)
    speed = traitlets.Float(1.0).tag(sync=True)
    paused = traitlets.Bool(True).tag(sync=True)
    namespace = traitlets.Unicode("").tag(sync=True)
    system = traitlets.Bool(True).tag(sync=True)
    selected = traitlets.Unicode("").tag(sync=True)
    intent = traitlets.Dict().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)

    def __init__(self, lab: Any, **options: Any) -> None:
        unknown = [name for name in options if name not in ("theme", "namespace", "system", "height")]
        if unknown:
            raise TypeError(f"view() has no option {unknown[0]!r}: choose from theme, namespace, system, height")
        self._lab = lab
        self._feed = Feed(lab.cluster)
        self._player = player_of(lab)
        self._sent = 0.0
        self._live = False
        self._shown_revision = ""
        super().__init__(speed=lab.speed, paused=not lab.playing, **options)
        self.on_msg(self._on_message)
        self.observe(self._on_intent, "intent")
        self.observe(self._on_selected, "selected")

    # -- from the front end, on any thread: only enqueue ----------------------------------------------------------

    def _on_message(self, _widget: Any, content: Any, _buffers: Any) -> None:
        kind = content.get("k") if isinstance(content, dict) else None
        if kind == "hello":
            self._player.ask(self, self._welcome)
        elif kind == "resync":
            self._player.ask(self, self._mend)
        elif kind == "bye":
            self._player.ask(self, self._leave)
        elif kind == "picture":
            self._player.ask(self, self._send_picture)

    def _on_intent(self, change: Any) -> None:
        intent = change["new"]
        if isinstance(intent, dict) and intent.get("verb"):
            self._player.ask(self, self._act, dict(intent))

    def _on_selected(self, _change: Any) -> None:
        self._player.ask(self, self._show_details)

    # -- on the player's thread -----------------------------------------------------------------------------------

    def _welcome(self) -> None:
        """A front end is there: send everything, with the past that it can look back on."""
        self._live = True
        with self._lab.lock:
            messages = self._feed.story()
        for message in messages:
            self._pass_on(message)
        self._player.attach(self)
        self._show_details()

    def _mend(self) -> None:
        """A front end has lost the thread: send how things are now, quickly."""
        with self._lab.lock:
            message = self._feed.snapshot()
        self._pass_on(message)

    def _send_picture(self) -> None:
        """A front end of another version is there: it can show no more than this."""
        self.send({"k": "picture", "html": board_html(self._board())})

    def _leave(self) -> None:
        self._live = False
        self._player.detach(self)

    def _act(self, intent: dict[str, Any]) -> None:
        verb, target = str(intent["verb"]), str(intent.get("target") or "")
        args = intent.get("args") if isinstance(intent.get("args"), dict) else {}
        if verb == "hello":
            self._welcome()
        elif verb == "play":
            self._player.play(_speed(args.get("speed", self._lab.speed)))
        elif verb == "pause":
            self._player.pause()
        elif verb in LAB_VERBS:
            with self._lab.lock:
                said = self._lab.submit(verb, target, args)
            self._say(said or _done(verb, target), "info")
        else:
            raise K8sLabError(f"there is no action {verb!r}")

    def refresh(self) -> None:
        """Send what has changed (called by the player)."""
        if not self._live:
            return
        if self.paused == self._lab.playing:
            self.paused = not self._lab.playing
        if self.speed != self._lab.speed:
            self.speed = self._lab.speed
        if not self._feed.behind or not self._lab.lock.acquire(timeout=0.05):
            return
        try:
            message = self._feed.pull()
            if message is None and time.monotonic() - self._sent >= TICK:
                message = self._feed.tick()
        finally:
            self._lab.lock.release()
        if message is not None:
            self._pass_on(message)
            self._show_details(changed_only=True)

    def report(self, error: BaseException) -> None:
        """Show the front end what went wrong (called by the player)."""
        self._say(str(error) or type(error).__name__, "error")

    def _pass_on(self, message: Message) -> None:
        self._sent = time.monotonic()
        self.send(message.content, buffers=message.buffers)

    def _say(self, text: str, level: str) -> None:
        number = int(self.notice.get("n", 0)) + 1
        self.notice = {"n": number, "text": text.strip()[:500], "level": level}

    def _show_details(self, changed_only: bool = False) -> None:
        """Send what is known of the selected object, in the words of ``kubectl describe``."""
        if not self.selected or not self._live:
            return
        with self._lab.lock:
            snapshot = self._lab.cluster.snapshot()
            found = find_object(snapshot, self.selected)
            revision = found.metadata.resourceVersion if found is not None else "gone"
            if changed_only and revision == self._shown_revision:
                return
            card = object_card(found, snapshot) if found is not None else None
        self._shown_revision = revision
        self.send({"k": "detail", "target": self.selected, "card": card})

    # -- where there is no front end ------------------------------------------------------------------------------

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        board = self._board()
        return {**data, "text/html": board_html(board), "text/plain": board_text(board)}, metadata

    def _board(self) -> Board:
        with self._lab.lock:
            snapshot = self._lab.cluster.snapshot()
            return board_model(snapshot, [self.namespace] if self.namespace else None, show_system=self.system)

    def close(self) -> None:
        """End the view: the front end forgets it, and the clock stops if nobody else looks."""
        # Called at garbage collection too, where the options may have been refused before there was a player.
        player = getattr(self, "_player", None)
        if player is not None:
            player.detach(self)
        super().close()


def _speed(value: Any) -> float:
    try:
        return min(max(float(value), MIN_SPEED), MAX_SPEED)
    except (TypeError, ValueError):
        raise K8sLabError(f"speed must be a number, not {value!r}") from None


def _done(verb: str, target: str) -> str:
    words = {
        "fail": "{} lost its power. The cluster finds out when its heartbeats stay away.",
        "recover": "{} has power again and boots.",
    }
    return words.get(verb, "").format(target)
