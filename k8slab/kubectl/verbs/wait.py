"""kubectl wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from k8slab.api.jsonpath import JSONPath, PathError, relaxed, show
from k8slab.errors import ApiError
from k8slab.kubectl import builder, duration
from k8slab.kubectl.builder import Target
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import ALL_NAMESPACES, FILES_RECURSIVE, PRINT, SELECTOR, boolean, period, text
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer
from k8slab.kubectl.verbs.delete import gone
from k8slab.kubectl.watching import Collector
from k8slab.sim.clock import SECOND

Check = Callable[[dict[str, Any]], bool]
_WEEK_US = 7 * 24 * 3600 * SECOND


def run(inv: Any) -> None:
    """Let virtual time pass until the condition holds for each object meant, or until the timeout."""
    condition = inv.flags["for"]
    check = None if condition.lower() in ("delete", "create") else _check(condition)
    if check is None and not condition:
        raise CommandError('unrecognized condition: ""')
    timeout = duration.parse(inv.flags["timeout"])
    waiter = _Waiter(inv, check, _WEEK_US if timeout < 0 else timeout)
    if condition.lower() == "delete":
        waiter.for_deletion()
    elif condition.lower() == "create":
        waiter.for_creation()
    else:
        waiter.for_condition()


def _check(condition: str) -> Check:
    if condition.startswith("condition="):
        name, _, value = condition.removeprefix("condition=").partition("=")
        return _has_condition(name, value or "true")
    if condition.startswith("jsonpath="):
        return _has_value(condition.removeprefix("jsonpath="))
    raise CommandError(f'unrecognized condition: "{condition}"')


def _has_condition(name: str, wanted: str) -> Check:
    def check(obj: dict[str, Any]) -> bool:
        for condition in (obj.get("status") or {}).get("conditions") or ():
            if condition.get("type", "").lower() == name.lower():
                observed = condition.get("observedGeneration", (obj["status"] or {}).get("observedGeneration"))
                if observed is not None and observed < obj["metadata"].get("generation", 0):
                    return False
                return condition.get("status", "").lower() == wanted.lower()
        return False

    return check


def _has_value(expression: str) -> Check:
    text, equals, wanted = _split(expression)
    if not text:
        raise CommandError(
            "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or "
            "--for=jsonpath='{.status.readyReplicas}'"
        )
    if equals and not wanted:
        raise CommandError(
            "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3"
        )
    try:
        path = JSONPath(relaxed(text.strip("'\"")))
    except PathError as error:
        raise CommandError(str(error)) from None

    def check(obj: dict[str, Any]) -> bool:
        try:
            values = path.first(obj)
        except PathError:
            return False
        if len(values) > 1:
            raise CommandError("given jsonpath expression matches more than one value")
        return bool(values) and (not equals or show(values[0]).strip() == wanted.strip("'\""))

    return check


def _split(expression: str) -> tuple[str, str, str]:
    """The `=` after the closing brace separates path and value; filters may hold others."""
    end = expression.rfind("}=")
    if end >= 0:
        return expression[: end + 1], "=", expression[end + 2 :]
    return (expression, "", "") if expression.endswith("}") else expression.partition("=")


class _Waiter:
    def __init__(self, inv: Any, check: Check | None, timeout: int) -> None:
        self.inv, self.check = inv, check
        self.deadline = inv.session.clock.now + timeout
        self.printer = Printer(inv, "condition met")

    def _targets(self) -> tuple[list[Info], list[Exception]]:
        """Objects that are there now; those named but missing count as deleted for --for=delete."""
        return builder.live(self.inv)

    def for_condition(self) -> None:
        infos, errors = self._targets()
        raise_all(errors)
        if not infos:
            raise CommandError("no matching resources found")
        for info in infos:
            try:
                self._until(info, self.check)
                self.printer.show(info.object)
            except (CommandError, ApiError) as error:
                errors.append(error)
        raise_all(errors)

    def for_deletion(self) -> None:
        infos, errors = self._targets()
        # What is not there any more is what was waited for.
        errors = [error for error in errors if getattr(error, "reason", "") != "NotFound"]
        raise_all(errors)
        for info in infos:
            if not self._wait(info, partial(gone, self.inv, info, info.object["metadata"]["uid"])):
                errors.append(_timed_out(info))
            else:
                self.printer.show(info.object)
        raise_all(errors)

    def for_creation(self) -> None:
        targets = builder.targets(self.inv, self.inv.args)
        if not targets:
            raise CommandError(builder.MUST_PROVIDE)
        for target in targets:
            if target.name is None:
                self._for_any(target)
                continue
            info = Info(target.resource, self.inv.namespace if target.resource.namespaced else None, target.name)
            if not self._wait(info, partial(_exists, self.inv, info)):
                raise _timed_out(info)
            self.printer.show(self.inv.access.get(info.resource, info.name, info.namespace))

    def _for_any(self, target: Target) -> None:
        """What is there of a type counts at once."""
        found = builder.fetch(self.inv, target)
        if not found:
            raise CommandError("no matching resources found")
        for info in found:
            self.printer.show(info.object)

    def _until(self, info: Info, check: Check) -> None:
        def holds() -> bool:
            info.object = self.inv.access.get(info.resource, info.name, info.namespace)
            return check(info.object)

        if not self._wait(info, holds):
            raise _timed_out(info)

    def _wait(self, info: Info, holds: Callable[[], bool]) -> bool:
        """Look now and after each change of the object."""
        if holds():
            return True
        collector = Collector()
        access = self.inv.access
        watch = access.watch(info.resource, collector.receive, info.namespace, fields=f"metadata.name={info.name}")
        seen = -1

        def news() -> bool:
            nonlocal seen
            if len(collector.events) == seen:
                return False
            seen = len(collector.events)
            return holds()

        try:
            return self.inv.wait_until(news, max(self.deadline - self.inv.session.clock.now, 0))
        finally:
            watch.stop()


def _exists(inv: Any, info: Info) -> bool:
    return not gone(inv, info, None)


def _timed_out(info: Info) -> CommandError:
    return CommandError(f"timed out waiting for the condition on {info.resource.plural}/{info.name}")


COMMAND = Command(
    "wait",
    "Experimental: Wait for a specific condition on one or many resources",
    "kubectl wait ([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) "
    "[--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]] [options]",
    run,
    (
        *FILES_RECURSIVE,
        *PRINT,
        *SELECTOR,
        *ALL_NAMESPACES,
        boolean("all"),
        text("field-selector"),
        text("for"),
        boolean("local"),
        period("timeout", "30s"),
    ),
    examples="kubectl wait --for=condition=Ready pod/web-0\nkubectl wait --for=delete pod/web-0 --timeout=60s",
)
