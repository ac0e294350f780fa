"""PUT namespaces/finalize: the only way to change a namespace's finalizers."""

from __future__ import annotations

from msgspec.structs import replace

from k8slab.api.request import Response
from k8slab.apiserver.call import Call
from k8slab.apiserver.decoding import decode_object
from k8slab.apiserver.verbs.update import carry_over, check_name, check_version
from k8slab.errors import FieldError, invalid


def finalize(call: Call) -> Response:
    """Set spec.finalizers; a namespace that is being deleted goes with its last one."""
    obj = decode_object(call)
    check_name(call, obj)
    kv = call.server.storage.read(call.endpoint, call.namespace, call.name)
    old = kv.value
    check_version(call, obj, old, must_match=True)
    finalizers = tuple((obj.spec.finalizers if obj.spec is not None else None) or ())
    errors = [
        FieldError.invalid(
            f"spec.finalizers[{index}]", name, "name is neither a standard finalizer name nor is it fully qualified"
        )
        for index, name in enumerate(finalizers)
        if name != "kubernetes" and "/" not in name
    ]
    if errors:
        raise invalid("Namespace", old.metadata.name, errors)
    new = replace(carry_over(call, obj, old), spec=old.spec.replace(finalizers=finalizers or None), status=old.status)
    if new.metadata.deletionTimestamp and not finalizers and not new.metadata.finalizers:
        if not call.options.dry_run:
            call.server.storage.delete(call.endpoint, kv)
        return Response(200, new)
    if new == old or call.options.dry_run:
        return Response(200, new)
    return Response(200, call.server.storage.update(call.endpoint, new, kv, "update finalize"))
