"""DELETE: at once, gracefully, or when the finalizers are gone.

Follows `registry/rest/delete.go` (BeforeDelete) and `registry/generic/registry/store.go` (Delete).
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from k8slab.api.request import Options, Response
from k8slab.api.timestamps import parse
from k8slab.apiserver.call import Call
from k8slab.apiserver.registry.strategy import BACKGROUND, FOREGROUND, ORPHAN
from k8slab.errors import FieldError, conflict, invalid
from k8slab.etcd.store import KeyValue
from k8slab.sim.clock import SECOND
from k8slab.sim.timestamps import rfc3339

ORPHAN_FINALIZER, FOREGROUND_FINALIZER = "orphan", "foregroundDeletion"
JOB_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
    "or set propagationPolicy=Orphan to suppress this warning"
)


def delete(call: Call) -> Response:
    """Delete the object of that name."""
    check_options(call.options)
    kv = call.server.storage.read(call.endpoint, call.namespace, call.name)
    call.server.admission.check_delete(call, call.answer(kv.value))
    if call.endpoint.plural == "jobs" and not _has_policy(call.options):
        call.warn(JOB_ORPHANS)
    obj, is_gone = delete_object(call, kv)
    if is_gone and not call.strategy.returns_deleted:
        return Response(200, success(call, obj))
    return Response(200, call.answer(obj))


def success(call: Call, obj: Any) -> dict[str, Any]:
    """The Status that tells of a deletion."""
    resource = call.endpoint.resource
    details = {"name": obj.metadata.name, "group": resource.group, "kind": resource.plural, "uid": obj.metadata.uid}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }


def check_options(options: Options) -> None:
    """Refuse delete options that make no sense. Raises Invalid."""
    policy, errors = options.propagation_policy, []
    if policy is not None and options.orphan_dependents is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        errors.append(FieldError.invalid("propagationPolicy", policy, detail))
    if policy not in (None, BACKGROUND, FOREGROUND, ORPHAN):
        errors.append(FieldError.not_supported("propagationPolicy", policy, (FOREGROUND, BACKGROUND, ORPHAN, "nil")))
    if errors:
        raise invalid("DeleteOptions.meta.k8s.io", "", errors)


def delete_object(call: Call, kv: KeyValue) -> tuple[Any, bool]:
    """Delete a stored object as far as it can be; returns the object, and whether it is gone."""
    old, options = kv.value, call.options
    _check_preconditions(call, old)
    if call.endpoint.plural == "namespaces" and not call.endpoint.resource.group:
        return _delete_namespace(call, kv)
    begun = call.strategy.begin_deletion(call, kv)
    if begun is not None:
        return begun, False
    finalizers = _wanted_finalizers(call, old)
    if (options.grace_period_seconds or 0) < 0:
        # As long as nobody can wait for less than nothing: a second.
        options = call.options = replace(options, grace_period_seconds=1)
    metadata, grace = old.metadata, call.strategy.grace(old, options.grace_period_seconds)
    if grace is None:
        if not finalizers:
            return _remove(call, kv)
        return _mark(call, kv, finalizers, None)
    if metadata.deletionTimestamp:
        grace = _shortened(metadata, options)
        if grace is None:
            return old, False
    obj, _ = _mark(call, kv, finalizers, grace)
    if finalizers or grace > 0:
        return obj, False
    if options.dry_run:
        return obj, True
    return _remove(call, call.server.store.get(kv.key))


def _shortened(metadata: Any, options: Options) -> int | None:
    """The new grace period of an object that is being deleted already; None where nothing changes."""
    pending, wanted = metadata.deletionGracePeriodSeconds, options.grace_period_seconds
    if pending is None:
        return 0
    if wanted is None or wanted >= pending:
        return None
    return wanted


def _remove(call: Call, kv: KeyValue) -> tuple[Any, bool]:
    if call.options.dry_run:
        return kv.value, True
    return call.server.storage.delete(call.endpoint, kv), True


def _mark(call: Call, kv: KeyValue, finalizers: tuple[str, ...], grace: int | None) -> tuple[Any, bool]:
    """Store that the object is being deleted."""
    old = kv.value
    metadata = old.metadata
    changes: dict[str, Any] = {"finalizers": finalizers or None, "deletionGracePeriodSeconds": grace or 0}
    if not metadata.deletionTimestamp:
        changes["deletionTimestamp"] = _after(call, grace or 0)
        if metadata.generation:
            changes["generation"] = metadata.generation + 1
    elif grace is not None:
        begun = parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds or 0) * SECOND
        changes["deletionTimestamp"] = rfc3339(begun + grace * SECOND)
    obj = replace(old, metadata=replace(metadata, **changes))
    if obj == old or call.options.dry_run:
        return obj, False
    return call.server.storage.update(call.endpoint, obj, kv, "delete"), False


def _after(call: Call, seconds: int) -> str:
    clock = call.server.clock
    return rfc3339(clock.unix_us + seconds * SECOND) if seconds else clock.rfc3339()


def _delete_namespace(call: Call, kv: KeyValue) -> tuple[Any, bool]:
    """A namespace becomes Terminating, and is gone when its content and finalizers are."""
    old = kv.value
    if not old.spec.finalizers and not old.metadata.finalizers:
        return _remove(call, kv)
    if old.metadata.deletionTimestamp and old.status.phase == "Terminating":
        return old, False
    metadata = replace(old.metadata, deletionTimestamp=old.metadata.deletionTimestamp or call.now)
    obj = replace(old, metadata=metadata, status=old.status.replace(phase="Terminating"))
    if call.options.dry_run:
        return obj, False
    return call.server.storage.update(call.endpoint, obj, kv, "delete"), False


def _check_preconditions(call: Call, old: Any) -> None:
    wanted = call.options.preconditions
    if wanted is None:
        return
    metadata = old.metadata
    if wanted.uid is not None and wanted.uid != metadata.uid:
        theirs = f"the UID in record ({metadata.uid}). The object might have been deleted and then recreated"
        why = f"the UID in the precondition ({wanted.uid}) does not match {theirs}"
        raise conflict(call.endpoint.group_resource, metadata.name, why)
    version = wanted.resourceVersion
    if version is not None and version != metadata.resourceVersion:
        theirs = f"the ResourceVersion in record ({metadata.resourceVersion}). The object might have been modified"
        why = f"the ResourceVersion in the precondition ({version}) does not match {theirs}"
        raise conflict(call.endpoint.group_resource, metadata.name, why)


def _has_policy(options: Options) -> bool:
    return options.propagation_policy is not None or options.orphan_dependents is not None


def _wanted_finalizers(call: Call, old: Any) -> tuple[str, ...]:
    """The object's finalizers with those by which the garbage collector knows what to do with dependents."""
    present = old.metadata.finalizers or ()
    if not call.strategy.collects_garbage:
        return present
    wanted = _propagation_finalizer(call, present)
    if wanted in present or not wanted:
        kept = tuple(name for name in present if name == wanted or name not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER))
        return kept
    return (*(name for name in present if name not in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER)), wanted)


def _propagation_finalizer(call: Call, present: tuple[str, ...]) -> str:
    options = call.options
    if options.orphan_dependents is not None:
        return ORPHAN_FINALIZER if options.orphan_dependents else ""
    policy = options.propagation_policy
    if policy is None:
        for name in present:
            if name in (ORPHAN_FINALIZER, FOREGROUND_FINALIZER):
                return name
        policy = call.strategy.default_propagation
    return {ORPHAN: ORPHAN_FINALIZER, FOREGROUND: FOREGROUND_FINALIZER}.get(policy, "")
