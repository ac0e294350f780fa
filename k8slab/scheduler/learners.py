"""Learners' plugins: plain classes or functions with the extension points' names, made into scheduler plugins.

    class Quiet:
        def filter(self, pod, node):
            return "ssd" in node.labels or "node(s) had no ssd"
        def score(self, pod, node):
            return 100 - len(node.pods)

Methods ask for arguments by name: `pod`, `node` (or `nodes`: then all at once, and a list or a dict by node name is
answered), `scores`, `state` (a dict that lives as long as the attempt), `handle`.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8slab.client.calls import Call, shown
from k8slab.scheduler.framework import (
    SUCCESS,
    Code,
    CycleState,
    Plugin,
    PluginError,
    PreFilterResult,
    Status,
    failed,
    unschedulable,
)
from k8slab.scheduler.nodeview import NodeView
from k8slab.sim.clock import SECOND

POINTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "pre_enqueue": ("PreEnqueue", ("pod", "handle")),
    "pre_filter": ("PreFilter", ("pod", "nodes", "state", "handle")),
    "filter": ("Filter", ("pod", "node", "nodes", "state", "handle")),
    "pre_score": ("PreScore", ("pod", "nodes", "state", "handle")),
    "score": ("Score", ("pod", "node", "nodes", "state", "handle")),
    "normalize_score": ("NormalizeScore", ("pod", "nodes", "scores", "state", "handle")),
    "reserve": ("Reserve", ("pod", "node", "state", "handle")),
    "unreserve": ("Unreserve", ("pod", "node", "state", "handle")),
    "permit": ("Permit", ("pod", "node", "state", "handle")),
    "pre_bind": ("PreBind", ("pod", "node", "state", "handle")),
    "post_bind": ("PostBind", ("pod", "node", "state", "handle")),
}
"""Methods of a learner's plugin: the extension point, and the arguments that there are."""

NOT_OFFERED = ("less", "queue_sort", "post_filter", "bind")


class Handle:
    """What a learner's plugin may use besides its arguments."""

    def __init__(self, name: str, handle: Any) -> None:
        self._name, self._handle = name, handle

    @property
    def now(self) -> float:
        """Lab time in seconds."""
        return self._handle.clock.now / SECOND

    @property
    def nodes(self) -> list[NodeView]:
        """All nodes, in the scheduler's order."""
        return [NodeView(node) for node in self._handle.cache.nodes]

    @property
    def waiting(self) -> list[Any]:
        """The Pods that a `permit` holds up."""
        return [binding.state.pod for binding in self._handle.binder.waiting.values()]

    def allow(self, pod: Any) -> None:
        """Let a Pod go on that this plugin's `permit` holds up."""
        self._handle.binder.allow(pod.metadata.uid, self._name)

    def reject(self, pod: Any, message: str) -> None:
        """Send a Pod back that this plugin's `permit` holds up."""
        self._handle.binder.reject(pod.metadata.uid, self._name, message)


class LearnerMeta(type):
    """The type of plugin classes made by `make_plugin`; they are pickled by what they were made of."""

    recipe: tuple[Any, ...]


def _remake(cls: LearnerMeta) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return make_plugin, cls.recipe


copyreg.pickle(LearnerMeta, _remake)


def make_plugin(target: Any, name: str = "", weight: int = 1, point: str = "") -> type[Plugin]:
    """The scheduler plugin for a learner's class, or for a function and the extension point that it is for.

    Raises PluginError where it takes part in no extension point, or asks for arguments that there are not.
    """
    if isinstance(target, type) and issubclass(target, Plugin):
        return target
    name = name or getattr(target, "__name__", type(target).__name__)
    if not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight < 2**31:
        raise PluginError(
            f'score plugin "{name}": the weight must be a whole number from 1 to {2**31 - 1}, not {weight!r}'
        )
    offered = _methods(target, name, point)
    calls = {}
    instance = _instance(target, name)
    for method in offered:
        function = getattr(instance, method) if instance is not None else target
        calls[method] = Call(function, _where(name, method), POINTS[method][1], PluginError).names
    body: dict[str, Any] = {method: _ADAPTED[method] for method in offered if method in _ADAPTED}
    for method in ("filter", "score"):
        if method in offered:
            body[f"{method}_nodes"] = _ADAPTED[f"{method}_nodes"]
    if "normalize_score" in offered:
        body["normalize"] = Learner.answer_normalize
    module = getattr(target, "__module__", None) or "__main__"
    body |= {"name": name, "weight": weight, "__module__": module, "__doc__": getattr(target, "__doc__", None)}
    made = LearnerMeta(name, (Learner,), body)
    made.recipe = (target, name, weight, point)
    return made  # type: ignore[return-value]


def _methods(target: Any, name: str, point: str) -> list[str]:
    if not callable(target):
        raise PluginError(f'plugin "{name}" must be a class or a function, not {shown(target)}')
    if not isinstance(target, type):
        method = _method_of(point or name)
        if not method:
            raise PluginError(
                f'plugin "{name}" is a function: say for which extension point, '
                f'as in @lab.plugin(point="score"); there are {", ".join(POINTS)}'
            )
        return [method]
    refused = [method for method in NOT_OFFERED if hasattr(target, method)]
    if refused:
        raise PluginError(f'plugin "{name}": for {refused[0]}, derive the class from k8slab.scheduler.Plugin')
    offered = [method for method in POINTS if callable(getattr(target, method, None))]
    if not offered:
        raise PluginError(f'plugin "{name}" takes part in no extension point: write one of {", ".join(POINTS)}')
    if "normalize_score" in offered and "score" not in offered:
        raise PluginError(f'plugin "{name}" has normalize_score, but no score')
    return offered


def _method_of(point: str) -> str:
    wanted = point.replace("_", "").lower()
    return next((method for method, (name, _) in POINTS.items() if wanted == name.lower()), "")


def _instance(target: Any, name: str) -> Any:
    if not isinstance(target, type):
        return None
    return Call(target, f'initializing plugin "{name}"', (), PluginError)()


def _where(name: str, method: str) -> str:
    return f'running {POINTS[method][0]} plugin "{name}"'


class Learner(Plugin):
    """Base of the classes that `make_plugin` makes: asks the learner's object and checks its answers."""

    weight = 1
    recipe: tuple[Any, ...] = ()

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Make the learner's object."""
        target = type(self).recipe[0]
        self.handle = handle
        self.given = Handle(self.name, handle)
        self.object = _instance(target, self.name)
        self.calls: dict[str, Call] = {}
        for method in _methods(target, self.name, type(self).recipe[3]):
            function = getattr(self.object, method) if self.object is not None else target
            self.calls[method] = Call(function, _where(self.name, method), POINTS[method][1], PluginError)

    # -- asking

    def _ask(self, method: str, state: CycleState | None, pod: Any, **values: Any) -> Any:
        call = self.calls[method]
        memory = None
        if state is not None:
            memory = state.data.setdefault(f"learner/{self.name}", {})
        return call(pod=pod, state=memory, handle=self.given, **values)

    def _answers(self, method: str, state: CycleState, pod: Any, nodes: Sequence[Any], read: Callable) -> list[Any]:
        views = [NodeView(node) for node in nodes]
        call = self.calls[method]
        if "nodes" in call.names:
            listed = _listed(self._ask(method, state, pod, nodes=views, node=None), views, call.where)
        else:
            listed = [self._ask(method, state, pod, node=view, nodes=None) for view in views]
        return [read(answer, call.where) for answer in listed]

    def _once(self, method: str, state: CycleState, pod: Any, nodes: Sequence[Any], read: Callable) -> Any:
        found = self._ask(method, state, pod, nodes=[NodeView(node) for node in nodes])
        return read(found, self.calls[method].where)

    # -- the extension points

    def answer_pre_enqueue(self, pod: Any) -> Status | None:
        """PreEnqueue. An error keeps the Pod out of the queue, too."""
        try:
            return _status(self._ask("pre_enqueue", None, pod), self.calls["pre_enqueue"].where)
        except PluginError as error:
            return failed(str(error))

    def answer_pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[Any]) -> Any:
        """PreFilter: nothing, a reason against the Pod, or the names of the only nodes in question."""
        return self._once("pre_filter", state, pod, nodes, _narrowed)

    def answer_filter(self, state: CycleState, pod: Any, node: Any) -> Status | None:
        """Filter for one node."""
        return self._answers("filter", state, pod, (node,), _status)[0]

    def answer_filter_nodes(self, state: CycleState, pod: Any, nodes: Sequence[Any]) -> list[Status | None]:
        """Filter for all nodes."""
        return self._answers("filter", state, pod, nodes, _status)

    def answer_pre_score(self, state: CycleState, pod: Any, nodes: Sequence[Any]) -> Status | None:
        """PreScore."""
        return self._once("pre_score", state, pod, nodes, _status)

    def answer_score(self, state: CycleState, pod: Any, node: Any) -> int:
        """Score for one node."""
        return self._answers("score", state, pod, (node,), _number)[0]

    def answer_score_nodes(self, state: CycleState, pod: Any, nodes: Sequence[Any]) -> list[int] | int:
        """Score for all nodes."""
        return self._answers("score", state, pod, nodes, _number)

    def answer_normalize(self, state: CycleState, pod: Any, nodes: Sequence[Any], scores: list[int]) -> list[int]:
        """NormalizeScore: `scores` is a dict by node name, to be changed or answered anew."""
        views = [NodeView(node) for node in nodes]
        given = {view.name: score for view, score in zip(views, scores, strict=True)}
        where = self.calls["normalize_score"].where
        found = self._ask("normalize_score", state, pod, nodes=views, scores=given)
        return [_number(one, where) for one in _listed(given if found is None else found, views, where)]

    def answer_reserve(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """Reserve."""
        return self._about("reserve", state, pod, node_name)

    def answer_unreserve(self, state: CycleState, pod: Any, node_name: str) -> None:
        """Unreserve."""
        self._about("unreserve", state, pod, node_name)

    def answer_permit(self, state: CycleState, pod: Any, node_name: str) -> tuple[Status | None, int]:
        """Permit: yes, a reason against it, or a number: wait for at most so many seconds."""
        found = self._ask("permit", state, pod, node=self._view(node_name))
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return Status(Code.WAIT), int(found * SECOND)
        return _status(found, self.calls["permit"].where), 0

    def answer_pre_bind(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """PreBind."""
        return self._about("pre_bind", state, pod, node_name)

    def answer_post_bind(self, state: CycleState, pod: Any, node_name: str) -> None:
        """PostBind."""
        self._ask("post_bind", state, pod, node=self._view(node_name))

    def _about(self, method: str, state: CycleState, pod: Any, node_name: str) -> Status | None:
        return _status(self._ask(method, state, pod, node=self._view(node_name)), self.calls[method].where)

    def _view(self, node_name: str) -> NodeView | None:
        info = self.handle.cache.by_name.get(node_name)
        return NodeView(info) if info is not None else None


_ADAPTED = {
    name.removeprefix("answer_"): function for name, function in vars(Learner).items() if name.startswith("answer_")
}


def _status(answer: Any, where: str) -> Status | None:
    """None and True mean yes, False and a text (the reason) no."""
    if answer is None or answer is True or answer is SUCCESS:
        return None
    if answer is False:
        return unschedulable(f"node(s) didn't satisfy plugin {where.split(chr(34))[1]}")
    if isinstance(answer, str) and answer.strip():
        return unschedulable(" ".join(answer.split()))
    if isinstance(answer, Status):
        return answer
    raise PluginError(f"{where}: answer True, False or a text with the reason, not {shown(answer)}")


def _narrowed(answer: Any, where: str) -> Any:
    if isinstance(answer, (list, tuple, set, frozenset)):
        names = sorted({one.name if isinstance(one, NodeView) else one for one in answer}, key=str)
        wrong = [name for name in names if not isinstance(name, str)]
        if wrong:
            raise PluginError(f"{where}: the nodes in question must be names or nodes, not {shown(wrong[0])}")
        return PreFilterResult(names)
    if isinstance(answer, PreFilterResult):
        return answer
    return _status(answer, where)


def _number(answer: Any, where: str) -> int:
    if isinstance(answer, bool) or not isinstance(answer, int):
        raise PluginError(f"{where}: a score must be a whole number, not {shown(answer)}")
    return answer


def _listed(answer: Any, views: Sequence[NodeView], where: str) -> list[Any]:
    """Answers about all nodes, as a dict by name or a list in their order."""
    if isinstance(answer, Mapping):
        missing = [view.name for view in views if view.name not in answer]
        if missing:
            raise PluginError(f"{where}: nothing was answered about node {missing[0]}")
        return [answer[view.name] for view in views]
    if not isinstance(answer, (list, tuple)):
        raise PluginError(f"{where}: answer a dict by node name or a list, not {shown(answer)}")
    if len(answer) != len(views):
        raise PluginError(f"{where}: {len(answer)} answers for {len(views)} nodes")
    return list(answer)
