"""Controls for a scheduler's decision: which attempt, which node (ipywidgets)."""

from __future__ import annotations

from typing import Any

import ipywidgets

from k8slab.widgets.decision import ALL_NODES, Source


class Stepper(ipywidgets.VBox):
    """Buttons and lists above the picture of a decision. Where no front end is, the still picture is shown."""

    def __init__(self, source: Source, explanation: Any, node: str = ALL_NODES) -> None:
        self._source = source
        self._busy = False
        self._static = source.decision(explanation.attempt, node)
        self.back = ipywidgets.Button(icon="chevron-left", tooltip="attempt before", layout={"width": "38px"})
        self.forward = ipywidgets.Button(icon="chevron-right", tooltip="next attempt", layout={"width": "38px"})
        self.attempt = ipywidgets.Dropdown(description="Attempt", layout={"width": "340px"})
        self.node = ipywidgets.Dropdown(description="What if", layout={"width": "260px"})
        self.picture = ipywidgets.HTML()
        self._fill(explanation.attempt, node)
        for control in (self.attempt, self.node):
            control.observe(self._changed, "value")
        self.back.on_click(self._step_back)
        self.forward.on_click(self._step_forward)
        row = ipywidgets.HBox([self.back, self.attempt, self.forward, self.node], layout={"flex_flow": "row wrap"})
        super().__init__([row, self.picture])

    def _fill(self, attempt: int, node: str) -> None:
        """Bring lists and picture up to date; there may be more attempts than before."""
        self._busy = True
        try:
            every = self._source.headlines()
            number = len(every)
            self.attempt.options = [(text, place) for place, text in enumerate(every, 1)]
            self.attempt.value = attempt
            names = [one.name for one in self._source.explain(attempt).nodes]
            self.node.options = [ALL_NODES, *names]
            self.node.value = node if node in names else ALL_NODES
            self.back.disabled, self.forward.disabled = attempt <= 1, attempt >= number
        finally:
            self._busy = False
        self._draw()

    def _draw(self) -> None:
        try:
            self.picture.value = self._source.decision(self.attempt.value, self.node.value).html
        except LookupError as error:
            self.picture.value = self._source.decision(self.attempt.value).html + f"<p>{error}</p>"

    def _changed(self, change: Any) -> None:
        if not self._busy:
            self._fill(self.attempt.value, self.node.value)

    def _step_back(self, button: Any) -> None:
        self._fill(max(1, self.attempt.value - 1), self.node.value)

    def _step_forward(self, button: Any) -> None:
        self._fill(min(len(self._source.headlines()), self.attempt.value + 1), self.node.value)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**options) or {}
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        return {**data, **self._static._repr_mimebundle_()}
