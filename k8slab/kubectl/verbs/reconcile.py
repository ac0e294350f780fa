"""kubectl auth reconcile: roles and bindings get what they lack of those in a file.

Follows `kubectl/pkg/cmd/auth/reconcile.go` and `component-helpers/auth/rbac/reconciliation`.
"""

from __future__ import annotations

from typing import Any

from k8slab.api.codec import from_dict, to_dict
from k8slab.api.rbac_v1 import PolicyRule, Subject
from k8slab.apiserver.rbac.reconcile import AUTOUPDATE
from k8slab.apiserver.rbac.rules import missing
from k8slab.errors import ApiError
from k8slab.kubectl import builder
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, raise_all
from k8slab.kubectl.flags import DRY_RUN, FILES, PRINT, boolean
from k8slab.kubectl.manifests import Info
from k8slab.kubectl.printers import Printer

GROUP = "rbac.authorization.k8s.io"
ROLES, BINDINGS = ("Role", "ClusterRole"), ("RoleBinding", "ClusterRoleBinding")
CAVEAT = f", but object opted out ({AUTOUPDATE}: false)"


def run(inv: Any) -> None:
    """Create, change or make again what `-f` has of roles and bindings; everything else is skipped."""
    if inv.args:
        raise CommandError(f"no arguments are allowed: [{' '.join(inv.args)}]")
    if not builder.has_files(inv):
        raise CommandError("must specify one of -f and -k")
    infos, errors = builder.local(inv)
    printer = Printer(inv, "reconciled")
    for info in infos:
        if info.resource.group == GROUP and info.resource.kind in (*ROLES, *BINDINGS):
            _Reconciliation(inv, info).run(printer)
    raise_all(errors)


class _Reconciliation:
    """What becomes of one role or binding."""

    def __init__(self, inv: Any, info: Info) -> None:
        self.inv, self.info = inv, info
        self.wanted = from_dict(info.object)
        self.live: Any = self._find()
        self.protected = ((self.live or self.wanted).metadata.annotations or {}).get(AUTOUPDATE) == "false"
        self.is_role = info.resource.kind in ROLES
        self.field = "rules" if self.is_role else "subjects"

    def run(self, printer: Printer) -> None:
        """Write what is to be written, and tell."""
        lacking, extra = self._compared()
        operation, new = self._decided(lacking, extra)
        if operation and not self.protected and self.inv.dry_run != "client":
            self._write(operation, new)
        printer.show(to_dict(new))
        if not operation:
            return
        self._tell(f"\treconciliation required {operation}{CAVEAT if self.protected else ''}")
        self._list(f"missing {self.field} added", lacking)
        if self.inv.flags[f"remove-extra-{'permissions' if self.is_role else 'subjects'}"]:
            self._list(f"extra {self.field} removed", extra)

    def _find(self) -> Any:
        try:
            return from_dict(self.inv.access.get(self.info.resource, self.info.name, self.info.namespace))
        except ApiError as error:
            if error.reason != "NotFound":
                raise
        return None

    def _compared(self) -> tuple[list[Any], list[Any]]:
        """What the live object lacks, and what it has beyond what is wanted."""
        wanted = getattr(self.wanted, self.field) or ()
        if self.live is None:
            return list(wanted), []
        there = getattr(self.live, self.field) or ()
        if self.is_role:
            return missing(there, wanted), missing(wanted, there)
        return [each for each in wanted if each not in there], [each for each in there if each not in wanted]

    def _decided(self, lacking: list[Any], extra: list[Any]) -> tuple[str, Any]:
        """The operation, empty for none, and the object after it."""
        if self.live is None:
            return "create", self.wanted
        if not self.is_role and self.live.roleRef != self.wanted.roleRef:
            return "recreate", self.wanted
        metadata = self.live.metadata.replace(
            labels={**(self.wanted.metadata.labels or {}), **(self.live.metadata.labels or {})} or None,
            annotations={**(self.wanted.metadata.annotations or {}), **(self.live.metadata.annotations or {})} or None,
        )
        new = self.live.replace(metadata=metadata)
        if self.inv.flags[f"remove-extra-{'permissions' if self.is_role else 'subjects'}"]:
            if lacking or extra:
                new = new.replace(**{self.field: getattr(self.wanted, self.field)})
        elif lacking:
            new = new.replace(**{self.field: (*(getattr(self.live, self.field) or ()), *lacking)})
        return ("update" if new != self.live else ""), new

    def _write(self, operation: str, new: Any) -> None:
        access, info, options = self.inv.access, self.info, {"dry_run": self.inv.dry_run == "server"}
        if operation == "create" and info.namespace:
            self._ensure_namespace(info.namespace)
        if operation == "update":
            access.update(info.resource, to_dict(new), info.namespace, **options)
            return
        if operation == "recreate":
            uid = self.live.metadata.uid
            access.delete(info.resource, info.name, info.namespace, uid, **options)
        if operation == "create" or not options["dry_run"]:
            access.create(info.resource, to_dict(new), info.namespace, **options)

    def _ensure_namespace(self, name: str) -> None:
        """A namespace that is not there is made."""
        access, namespaces = self.inv.access, self.inv.access.scheme.resource("namespaces")
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        try:
            access.create(namespaces, body, None, dry_run=self.inv.dry_run == "server")
        except ApiError as error:
            if error.reason not in ("AlreadyExists", "Forbidden"):
                raise

    def _tell(self, text: str) -> None:
        self.inv.complain(text)

    def _list(self, title: str, found: list[Any]) -> None:
        if found:
            self._tell(f"\t{title}:")
            for each in found:
                self._tell(f"\t\t{_rule(each) if isinstance(each, PolicyRule) else _subject(each)}")


def _rule(rule: PolicyRule) -> str:
    """As Go prints the struct."""
    parts = (
        ("Verbs", rule.verbs),
        ("APIGroups", rule.apiGroups),
        ("Resources", rule.resources),
        ("ResourceNames", rule.resourceNames),
        ("NonResourceURLs", rule.nonResourceURLs),
    )
    return "{" + " ".join(f"{name}:[{' '.join(values or ())}]" for name, values in parts) + "}"


def _subject(one: Subject) -> str:
    return f"{{Kind:{one.kind} APIGroup:{one.apiGroup or ''} Name:{one.name} Namespace:{one.namespace or ''}}}"


COMMAND = Command(
    "reconcile",
    "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
    "kubectl auth reconcile -f FILENAME [options]",
    run,
    (*FILES, *PRINT, *DRY_RUN, boolean("remove-extra-permissions"), boolean("remove-extra-subjects")),
)
