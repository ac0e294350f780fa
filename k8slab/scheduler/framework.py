"""The scheduling framework: statuses, cycle state and the plugin interface with its extension points.

Follows staging/src/k8s.io/kube-scheduler/framework/interface.go. A plugin is a class that overrides the methods of the
extension points it takes part in. `filter` and `score` judge one node; `filter_nodes` and `score_nodes` see all
candidates at once, and by default call the former for each.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from k8slab.client.calls import CodeError
from k8slab.scheduler.events import ALL_EVENTS, EventHint

if TYPE_CHECKING:
    from k8slab.scheduler.nodeinfo import NodeInfo
    from k8slab.scheduler.podinfo import PodInfo

MAX_NODE_SCORE = 100
MIN_NODE_SCORE = 0

EXTENSION_POINTS = (
    "PreEnqueue",
    "QueueSort",
    "PreFilter",
    "Filter",
    "PostFilter",
    "PreScore",
    "Score",
    "Reserve",
    "Permit",
    "PreBind",
    "Bind",
    "PostBind",
)

METHODS = {
    "PreEnqueue": ("pre_enqueue",),
    "QueueSort": ("less",),
    "PreFilter": ("pre_filter",),
    "Filter": ("filter", "filter_nodes"),
    "PostFilter": ("post_filter",),
    "PreScore": ("pre_score",),
    "Score": ("score", "score_nodes"),
    "Reserve": ("reserve", "unreserve"),
    "Permit": ("permit",),
    "PreBind": ("pre_bind",),
    "Bind": ("bind",),
    "PostBind": ("post_bind",),
}
"""Which methods make a plugin take part in an extension point; one of them is enough."""


class Code(IntEnum):
    """What a plugin's verdict means."""

    SUCCESS = 0
    ERROR = 1
    UNSCHEDULABLE = 2
    """Does not fit now; removing Pods may help."""
    UNSCHEDULABLE_AND_UNRESOLVABLE = 3
    """Does not fit, and preemption would not change that."""
    WAIT = 4
    SKIP = 5
    """PreFilter: leave out my Filter; PreScore: leave out my Score; Bind: let the next plugin bind."""
    PENDING = 6
    """Does not fit, and waits for something outside which the plugin expects to happen."""

    @property
    def text(self) -> str:
        """The code's name in Kubernetes."""
        return _CODE_NAMES[self]


_CODE_NAMES = ("Success", "Error", "Unschedulable", "UnschedulableAndUnresolvable", "Wait", "Skip", "Pending")
_REJECTED = frozenset((Code.UNSCHEDULABLE, Code.UNSCHEDULABLE_AND_UNRESOLVABLE, Code.PENDING))


class Status:
    """A plugin's verdict: a code, and reasons in words. Immutable. None stands for success as well.

    A status has no truth value: ask `is_success` (`status is None` when a method may return None).
    """

    __slots__ = ("code", "plugin", "reasons")

    def __init__(self, code: Code = Code.SUCCESS, *reasons: str, plugin: str = "") -> None:
        self.code = code
        self.reasons = reasons
        self.plugin = plugin

    @property
    def is_success(self) -> bool:
        """Whether the verdict is yes."""
        return self.code is Code.SUCCESS

    @property
    def is_rejected(self) -> bool:
        """Whether the Pod does not fit (as opposed to: something broke)."""
        return self.code in _REJECTED

    @property
    def message(self) -> str:
        """The reasons, joined as the scheduler joins them."""
        return ", ".join(self.reasons)

    def by(self, plugin: str) -> Status:
        """The same verdict, known to come from that plugin."""
        return self if self.plugin else Status(self.code, *self.reasons, plugin=plugin)

    def __bool__(self) -> bool:
        raise TypeError("a Status has no truth value: use status.is_success, or `status is None`")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Status):
            return NotImplemented
        return (self.code, self.reasons, self.plugin) == (other.code, other.reasons, other.plugin)

    def __hash__(self) -> int:
        return hash((int(self.code), self.reasons, self.plugin))

    def __reduce__(self) -> Any:
        return _restore_status, (int(self.code), self.reasons, self.plugin)

    def __repr__(self) -> str:
        by = f" by {self.plugin}" if self.plugin else ""
        return f"<{self.code.text}{by}: {self.message}>" if self.reasons else f"<{self.code.text}{by}>"


def _restore_status(code: int, reasons: tuple[str, ...], plugin: str) -> Status:
    return Status(Code(code), *reasons, plugin=plugin)


SUCCESS = Status()
SKIP = Status(Code.SKIP)


def unschedulable(*reasons: str, plugin: str = "") -> Status:
    """The Pod does not fit here now."""
    return Status(Code.UNSCHEDULABLE, *reasons, plugin=plugin)


def unresolvable(*reasons: str, plugin: str = "") -> Status:
    """The Pod does not fit here, and no preemption would help."""
    return Status(Code.UNSCHEDULABLE_AND_UNRESOLVABLE, *reasons, plugin=plugin)


def failed(*reasons: str, plugin: str = "") -> Status:
    """Something broke; the Pod is tried again later."""
    return Status(Code.ERROR, *reasons, plugin=plugin)


class PluginError(CodeError):
    """A plugin raised an exception or answered with something impossible; the text names it and the place."""


class blame:  # noqa: N801 - used as a with statement
    """Turn an exception of a plugin into a PluginError which says where it came from."""

    __slots__ = ("name", "point")

    def __init__(self, point: str, name: str) -> None:
        self.point = point
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, tb: Any) -> None:
        if isinstance(error, Exception):
            raise accused(self.point, self.name, error) from error


def accused(point: str, name: str, error: Exception) -> PluginError:
    """The PluginError for an exception that a plugin raised at an extension point."""
    if isinstance(error, PluginError):
        return error
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__}: {error} ({frame.name}, line {frame.lineno})"
    doing = "initializing" if point == "new" else f"running {point}"
    return PluginError(f'{doing} plugin "{name}": {place}')


class PreFilterResult:
    """A PreFilter plugin's finding that only these nodes can come into question."""

    __slots__ = ("node_names",)

    def __init__(self, node_names: Sequence[str]) -> None:
        self.node_names = tuple(node_names)


class PostFilterResult:
    """What a PostFilter plugin did for a Pod that fits nowhere: the node it nominates ("" clears a nomination)."""

    __slots__ = ("nominated_node", "victims")

    def __init__(self, nominated_node: str, victims: Sequence[Any] = ()) -> None:
        self.nominated_node = nominated_node
        self.victims = tuple(victims)


class CycleState:
    """What plugins tell each other, and themselves, in one attempt to schedule one Pod.

    Attributes:
        pod: the Pod, as the scheduler took it from its queue.
        pod_info: the same, with its requests and terms worked out.
        cache: the cluster as the scheduler sees it.
        skip_filter, skip_score: names of plugins that left themselves out.
        tallies: counts over all nodes which must follow when a node is changed for trial (see `tally`).
    """

    __slots__ = (
        "cache",
        "data",
        "framework",
        "pod",
        "pod_info",
        "pre_filter_answers",
        "skip_filter",
        "skip_score",
        "tallies",
    )

    def __init__(self, pod_info: PodInfo, cache: Any, framework: Any = None) -> None:
        self.pod_info = pod_info
        self.pod = pod_info.pod
        self.cache = cache
        self.framework = framework
        self.data: dict[str, Any] = {}
        self.skip_filter: set[str] = set()
        self.skip_score: set[str] = set()
        self.tallies: list[Any] = []
        self.pre_filter_answers: dict[str, Status | PreFilterResult] = {}

    def read(self, key: str) -> Any:
        """What was written under `key`, or None."""
        return self.data.get(key)

    def write(self, key: str, value: Any) -> None:
        """Remember `value` for later extension points of this attempt."""
        self.data[key] = value


class Plugin:
    """Base of all scheduler plugins. Override the methods of the extension points you want to take part in.

    The name is the class's name unless `name` says otherwise. `local` is a promise for speed: Filter and Score depend
    on the Pod's spec and on that one node (its object and the Pods on it) alone; verdicts and scores may then be kept
    until the node changes, and pre_filter and pre_score are called with no nodes.
    """

    name: str = ""
    local: bool = False
    weight: int = 1
    """Weight of the scores where the configuration gives none."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" not in cls.__dict__:
            cls.name = cls.__name__

    def setup(self, args: dict[str, Any], handle: Any) -> None:
        """Take the profile's pluginConfig args, and the handle (`cache`, `client`, `clock`, `rng`, ...)."""

    # -- queue

    def pre_enqueue(self, pod: Any) -> Status | None:
        """PreEnqueue: anything but success keeps the Pod out of the active queue."""
        return None

    def less(self, one: Any, other: Any) -> bool:
        """QueueSort: whether the queued Pod `one` comes before `other`."""
        raise NotImplementedError

    def events_to_register(self) -> Sequence[EventHint]:
        """EnqueueExtensions: which events may make a Pod that this plugin rejected schedulable. Default: all."""
        return ALL_EVENTS

    # -- filtering

    def pre_filter(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | PreFilterResult | None:
        """PreFilter: prepare, reject the Pod as a whole, narrow down the nodes, or SKIP the own Filter."""
        return None

    def filter(self, state: CycleState, pod: Any, node: NodeInfo) -> Status | None:
        """Filter: None if the Pod fits on the node, else why not."""
        return None

    def filter_nodes(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> list[Status | None]:
        """Filter for all these nodes at once, in their order."""
        return [self.filter(state, pod, node) for node in nodes]

    def post_filter(self, state: CycleState, pod: Any, statuses: Any) -> tuple[PostFilterResult | None, Status]:
        """PostFilter: called when no node fits; `statuses` says why, per node."""
        return None, unschedulable()

    # -- scoring

    def pre_score(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> Status | None:
        """PreScore: prepare, or SKIP the own Score. `nodes` are those that passed all filters."""
        return None

    def score(self, state: CycleState, pod: Any, node: NodeInfo) -> int:
        """Score: how good the node is, an integer; 0 to 100 after normalisation."""
        return 0

    def score_nodes(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo]) -> list[int] | int:
        """Score for all these nodes at once, in their order; a single int stands for the same score everywhere."""
        return [self.score(state, pod, node) for node in nodes]

    def normalize(self, state: CycleState, pod: Any, nodes: Sequence[NodeInfo], scores: list[int]) -> list[int]:
        """NormalizeScore: bring the raw scores into 0 to 100."""
        return scores

    # -- binding

    def reserve(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """Reserve: note that the Pod will go to that node."""
        return None

    def unreserve(self, state: CycleState, pod: Any, node_name: str) -> None:
        """Unreserve: it will not, after all. Must not fail, and may be called without `reserve`."""

    def permit(self, state: CycleState, pod: Any, node_name: str) -> tuple[Status | None, int]:
        """Permit: allow, deny, or WAIT for at most so many microseconds."""
        return None, 0

    def pre_bind(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """PreBind: do what must be done before binding. WAIT means: call me again in a moment."""
        return None

    def bind(self, state: CycleState, pod: Any, node_name: str) -> Status | None:
        """Bind: bind the Pod, or SKIP to leave it to the next plugin."""
        return SKIP

    def post_bind(self, state: CycleState, pod: Any, node_name: str) -> None:
        """PostBind: told that the Pod was bound."""


def implements(plugin: Plugin, point: str) -> bool:
    """Whether a plugin takes part in an extension point such as `Filter`."""
    return any(getattr(type(plugin), name) is not getattr(Plugin, name) for name in METHODS[point])


def normalizes(plugin: Plugin) -> bool:
    """Whether a Score plugin has a NormalizeScore of its own."""
    return type(plugin).normalize is not Plugin.normalize


def default_normalize(scores: list[int], reverse: bool = False) -> list[int]:
    """Scale to 0..100 by the largest, truncating (plugins/helper/normalize_score.go); `reverse`: less is better."""
    largest = max(scores, default=0)
    if largest == 0:
        return [MAX_NODE_SCORE] * len(scores) if reverse else scores
    if reverse:
        return [MAX_NODE_SCORE - MAX_NODE_SCORE * score // largest for score in scores]
    return [MAX_NODE_SCORE * score // largest for score in scores]
