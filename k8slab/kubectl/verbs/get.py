"""kubectl get."""

from __future__ import annotations

from typing import Any

from k8slab.api.scheme import Resource
from k8slab.errors import ApiError
from k8slab.kubectl import builder, ordering
from k8slab.kubectl.access import plain, with_kind, without_managed_fields
from k8slab.kubectl.builder import Target
from k8slab.kubectl.command import Command
from k8slab.kubectl.failure import CommandError, UsageError, raise_all
from k8slab.kubectl.flags import ALL_NAMESPACES, FILES, PRINT, SELECTOR, boolean, integer, several, text
from k8slab.kubectl.printers import GET_FORMATS, Printer, compile_template, custom_columns, full_name
from k8slab.kubectl.raw import raw_get
from k8slab.kubectl.tables import TableView
from k8slab.kubectl.watching import Collector, RowCollector, follow

_NOTHING = (
    'You must specify the type of resource to get. Use "{root} api-resources" for a complete list of supported '
    "resources.\n\nerror: Required resource not specified.\n"
    'Use "{root} explain <resource>" for a detailed description of that resource (e.g. {root} explain pods).'
)
_LIST = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}}


def run(inv: Any) -> None:
    """Print objects in the form asked for."""
    if inv.flags["raw"]:
        return inv.write(raw_get(inv, inv.flags["raw"]))
    if not inv.args and not builder.has_files(inv):
        raise _required(inv)
    form, _, argument = inv.flags["output"].partition("=")
    if form == "" and inv.flags["template"]:
        form, argument = "go-template", inv.flags["template"]
    if form and form not in GET_FORMATS:
        raise CommandError(
            f'unable to match a printer suitable for the output format "{inv.flags["output"]}", '
            f"allowed formats are: {','.join(GET_FORMATS)}"
        )
    if inv.flags["watch"] or inv.flags["watch-only"]:
        _Watching(inv, form, argument or inv.flags["template"]).run()
    elif form in ("", "wide"):
        _Human(inv, form == "wide").run()
    else:
        _generic(inv, form, argument or inv.flags["template"])


def _required(inv: Any) -> CommandError:
    usage = UsageError(_NOTHING.format(root="kubectl"), inv.path)
    usage.plain = True
    return usage


def _wanted(inv: Any) -> tuple[list[Target], list[Exception]]:
    if not builder.has_files(inv):
        return builder.targets(inv, inv.args, allow_all=True), []
    builder.refuse(inv.args)
    infos, errors = builder.local(inv)
    return [Target(info.resource, info.name) for info in infos], errors


class _Human:
    """Tables, one after the other, with the headers of each type printed once."""

    def __init__(self, inv: Any, wide: bool) -> None:
        self.inv, self.wide = inv, wide
        self.targets, self.errors = _wanted(inv)
        resources = list(dict.fromkeys(target.resource for target in self.targets))
        # "all" names several types even if only one of them has objects.
        self.with_kind = inv.flags["show-kind"] or len(resources) > 1

    def run(self) -> None:
        views: list[TableView] = []
        last: Resource | None = None
        for target in self.targets:
            table = self._table(target)
            if table is None or not table.get("rows"):
                continue
            if target.resource is not last:
                views.append(self._view(target.resource))
                last = target.resource
            views[-1].add(table, self._prefix(target.resource))
        self.inv.write("\n".join(view.text() for view in views))
        if not views and not self.errors and not self.inv.flags["ignore-not-found"]:
            self._nothing()
        raise_all(self.errors)

    def _table(self, target: Target) -> dict[str, Any] | None:
        inv = self.inv
        try:
            table = inv.access.table(
                target.resource,
                None if inv.all_namespaces and target.name is None else inv.namespace,
                target.name,
                inv.flags["selector"] if target.name is None else "",
                inv.flags["field-selector"] if target.name is None else "",
                "Object" if inv.flags["sort-by"] else "Metadata",
                inv.flags["subresource"],
            )
        except ApiError as error:
            if not (error.reason == "NotFound" and inv.flags["ignore-not-found"]):
                self.errors.append(explained(error, inv, target))
            return None
        return self._sorted(table)

    def _sorted(self, table: dict[str, Any]) -> dict[str, Any]:
        field = self.inv.flags["sort-by"]
        if not field:
            return table
        if not ordering.is_usable(field):
            # kubectl 1.32 shows no rows for an expression that is no path.
            return {**table, "rows": []}
        rows = ordering.by_field(table.get("rows") or [], field, lambda row: plain(row["object"]))
        return {**table, "rows": rows}

    def _view(self, resource: Resource) -> TableView:
        flags = self.inv.flags
        return TableView(
            self.wide,
            not flags["no-headers"],
            self.inv.all_namespaces and resource.namespaced,
            tuple(flags["label-columns"]),
            flags["show-labels"],
            flags["output-watch-events"],
        )

    def _prefix(self, resource: Resource) -> str:
        if not self.with_kind:
            return ""
        return full_name({"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "/"}})[:-1]

    def _nothing(self) -> None:
        namespaced = all(target.resource.namespaced for target in self.targets)
        where = f" in {self.inv.namespace} namespace." if namespaced and not self.inv.all_namespaces else ""
        self.inv.complain(f"No resources found{where}")


def explained(error: ApiError, inv: Any, target: Target) -> ApiError:
    """A refused selector is reported with what was asked for."""
    labels, fields = inv.flags.get("selector") or "", inv.flags.get("field-selector") or ""
    if error.reason != "BadRequest" or target.name is not None or not (labels or fields):
        return error
    resource = target.resource
    message = (
        f'Unable to find "{resource.group}/{resource.version}, Resource={resource.plural}" that match '
        f'label selector "{labels}", field selector "{fields}": {error.message}'
    )
    return ApiError(error.code, error.reason, message, error.details, error.causes)


def _generic(inv: Any, form: str, argument: str) -> None:
    columns = custom_columns(inv, form, argument, not inv.flags["no-headers"]) if form.startswith("custom") else None
    if columns is None:
        compile_template(inv, form, argument)
    wanted, errors = _wanted(inv)
    objects: list[dict[str, Any]] = []
    for target in wanted:
        try:
            objects += _objects(inv, target)
        except ApiError as error:
            if not (error.reason == "NotFound" and inv.flags["ignore-not-found"]):
                errors.append(explained(error, inv, target))
    single = len(wanted) == 1 and wanted[0].name is not None
    if single and errors:
        raise_all(errors)
    if objects or not inv.flags["ignore-not-found"]:
        _print(inv, form, columns, _sorted_objects(inv, objects), single)
    raise_all(errors)


def _objects(inv: Any, target: Target) -> list[dict[str, Any]]:
    access, resource = inv.access, target.resource
    if target.name is not None:
        return [access.get(resource, target.name, inv.namespace, inv.flags["subresource"])]
    where = None if inv.all_namespaces else inv.namespace
    return access.list(resource, where, inv.flags["selector"], inv.flags["field-selector"])


def _sorted_objects(inv: Any, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    field = inv.flags["sort-by"]
    return ordering.by_field(objects, field, lambda obj: obj) if field else objects


def _print(inv: Any, form: str, columns: Any, objects: list[dict[str, Any]], single: bool) -> None:
    if not inv.flags["show-managed-fields"]:
        objects = [without_managed_fields(obj) for obj in objects]
    if columns is not None:
        inv.write(columns.text(objects))
    elif form == "name" or (single and len(objects) == 1):
        printer = Printer(inv)
        for obj in objects:
            printer.show(obj)
    else:
        Printer(inv).show({**_LIST, "items": objects})


class _Watching:
    """`-w`: what is there now, then the changes while virtual time passes."""

    def __init__(self, inv: Any, form: str, argument: str) -> None:
        self.inv, self.form, self.argument = inv, form, argument
        self.targets, errors = _wanted(inv)
        raise_all(errors)
        if len(self.targets) != 1:
            raise CommandError("you may only specify a single resource type")
        self.target = self.targets[0]

    def run(self) -> None:
        human = self.form in ("", "wide")
        collector = RowCollector(self.inv, self.target.resource) if human else Collector()
        now = self._now(human)
        watch = self.inv.access.watch(
            self.target.resource,
            collector.receive,
            None if self.inv.all_namespaces else self.inv.namespace,
            self.inv.flags["selector"],
            self._fields(),
            now[0],
        )
        try:
            follow(self.inv, lambda: len(collector.events))
        finally:
            watch.stop()
        events = [("ADDED", each) for each in now[1]] if not self.inv.flags["watch-only"] else []
        events += [(event.type, event.object) for event in collector.events if event.type in _CHANGES]
        self._show(events, human)

    def _fields(self) -> str:
        own = f"metadata.name={self.target.name}" if self.target.name is not None else ""
        return ",".join(part for part in (own, self.inv.flags["field-selector"]) if part)

    def _now(self, human: bool) -> tuple[str, list[Any]]:
        """The resource version to watch from, and what is there."""
        inv, target = self.inv, self.target
        if target.name is not None:
            inv.access.get(target.resource, target.name, inv.namespace)
        where = None if inv.all_namespaces else inv.namespace
        table = inv.access.table(target.resource, where, None, inv.flags["selector"], self._fields(), "Object")
        version = (table.get("metadata") or {}).get("resourceVersion") or "0"
        return version, [table] if human else [row["object"] for row in table.get("rows") or []]

    def _show(self, events: list[tuple[str, Any]], human: bool) -> None:
        if human:
            self._show_tables(events)
            return
        columns = None
        if self.form.startswith("custom"):
            columns = custom_columns(self.inv, self.form, self.argument, not self.inv.flags["no-headers"])
            self.inv.write(columns.text([plain(obj) for _, obj in events]))
            return
        printer = Printer(self.inv)
        for _, obj in events:
            printer.show(with_kind(plain(obj), self.target.resource))

    def _show_tables(self, events: list[tuple[str, Any]]) -> None:
        view = _Human(self.inv, self.form == "wide")._view(self.target.resource)
        for event, table in events:
            view.add(table, event=event)
        self.inv.write(view.text())


_CHANGES = ("ADDED", "MODIFIED", "DELETED")

COMMAND = Command(
    "get",
    "Display one or many resources",
    "kubectl get [(-o|--output=)json|yaml|name|go-template|jsonpath|custom-columns|wide] "
    "(TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags] [options]",
    run,
    (
        *FILES,
        *PRINT,
        *SELECTOR,
        *ALL_NAMESPACES,
        integer("chunk-size", default=500),
        text("field-selector"),
        boolean("ignore-not-found"),
        several("label-columns", "L"),
        boolean("no-headers"),
        boolean("output-watch-events"),
        text("raw"),
        boolean("server-print", default=True),
        boolean("show-kind"),
        boolean("show-labels"),
        text("sort-by"),
        text("subresource"),
        boolean("watch", "w"),
        boolean("watch-only"),
    ),
    details=" With -w the changes of the coming virtual time are shown, until nothing has happened for 30 seconds.",
    examples="kubectl get pods -o wide\nkubectl get deploy,rs -l app=web\nkubectl get pod/web-0 -o yaml\n"
    "kubectl get pods -A --sort-by=.metadata.creationTimestamp",
)
