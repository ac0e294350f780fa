"""Predict before you run: a question whose answer is locked before the cluster gives it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any


class Prediction:
    """A question with choices. ``choose`` locks a choice; ``reveal`` tells what happened and compares.

    In JupyterLab it shows radio buttons; without a front end it is text, and nothing waits for an answer.
    """

    def __init__(self, question: str, choices: Sequence[str]) -> None:
        self.question, self.choices = question, tuple(choices)
        self.chosen: str | None = None

    def choose(self, choice: str | int) -> None:
        """Lock a choice, by its text or its number from 1. Raises ValueError for another; a locked one stays."""
        if isinstance(choice, int):
            if not 1 <= choice <= len(self.choices):
                raise ValueError(f"choose 1 to {len(self.choices)}")
            choice = self.choices[choice - 1]
        if choice not in self.choices:
            raise ValueError(f"{choice!r} is none of the choices")
        if self.chosen is None:
            self.chosen = choice

    def reveal(self, actual: str | int) -> Reveal:
        """What happened (a choice's text or number), beside what was predicted."""
        if isinstance(actual, int):
            actual = self.choices[actual - 1]
        return Reveal(self.chosen, actual)

    def __repr__(self) -> str:
        lines = [self.question, *(f"  {number}. {choice}" for number, choice in enumerate(self.choices, 1))]
        if self.chosen:
            lines.append(f"Your prediction: {self.chosen}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        items = "".join(f"<li>{escape(choice)}</li>" for choice in self.choices)
        bundle = {
            "text/plain": repr(self),
            "text/html": f"<p><b>Predict.</b> {escape(self.question)}</p><ol>{items}</ol>",
        }
        widget = self._widget()
        if widget is not None:
            shown = widget._repr_mimebundle_(**options) or {}
            bundle.update({kind: data for kind, data in shown.items() if "widget" in kind})
        return bundle

    def _widget(self) -> Any:
        try:
            import ipywidgets
        except ImportError:
            return None
        self._radio = ipywidgets.RadioButtons(options=self.choices, value=self.chosen, layout={"width": "max-content"})
        self._button = ipywidgets.Button(
            description="Lock my prediction", disabled=True, icon="lock", layout={"width": "max-content"}
        )
        self._radio.observe(self._picked, names="value")
        self._button.on_click(self._lock)
        if self.chosen:
            self._lock(None)
        head = ipywidgets.HTML(f"<b>Predict.</b> {escape(self.question)}")
        return ipywidgets.VBox([head, self._radio, self._button])

    def _picked(self, change: Any) -> None:
        self._button.disabled = self.chosen is not None or change["new"] is None

    def _lock(self, _: Any) -> None:
        if self._radio.value is not None:
            self.choose(self._radio.value)
        self._radio.disabled = self._button.disabled = True
        self._button.description = "Locked"


class Reveal:
    """The outcome beside the prediction."""

    def __init__(self, predicted: str | None, actual: str) -> None:
        self.predicted, self.actual = predicted, actual

    def __repr__(self) -> str:
        if self.predicted is None:
            return f"What happened: {self.actual} (you made no prediction)"
        how = "as you predicted" if self.predicted == self.actual else f"you predicted: {self.predicted}"
        return f"What happened: {self.actual} ({how})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"


def predict(question: str, choices: Sequence[str]) -> Prediction:
    """Ask before the cluster answers: ``guess = predict("How many Pods then?", ["2", "3"])``."""
    return Prediction(question, choices)
