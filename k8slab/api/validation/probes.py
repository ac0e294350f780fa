"""Probes and lifecycle hooks (`pkg/apis/core/validation`, `validateProbe`, `validateHandler`)."""

from __future__ import annotations

from typing import Any

from k8slab.api.core_v1 import HTTPGetAction, Lifecycle, Probe
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, nonnegative
from k8slab.errors import FieldError

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")


def port_number_or_name(port: int | str | None, path: str, errors: Errors) -> None:
    """A port by its number or by its name."""
    messages = names.port_name(port) if isinstance(port, str) else names.port_number(port or 0)
    for message in messages:
        errors.append(FieldError.invalid(path, port or 0 if not isinstance(port, str) else port, message))


def lifecycle(item: Lifecycle, grace: int | None, path: str, errors: Errors) -> None:
    """Hooks after the start and before the stop of a container."""
    if item.postStart is not None:
        _handler(item.postStart, grace, f"{path}.postStart", errors)
    if item.preStop is not None:
        _handler(item.preStop, grace, f"{path}.preStop", errors)


def liveness(item: Probe | None, grace: int | None, path: str, errors: Errors) -> None:
    """A liveness probe: one success is enough."""
    _lethal(item, grace, path, errors)


def startup(item: Probe | None, grace: int | None, path: str, errors: Errors) -> None:
    """A startup probe: one success is enough."""
    _lethal(item, grace, path, errors)


def readiness(item: Probe | None, grace: int | None, path: str, errors: Errors) -> None:
    """A readiness probe: it kills nobody, so it has no grace period."""
    if item is None:
        return
    _probe(item, grace, path, errors)
    if item.terminationGracePeriodSeconds is not None:
        text = "must not be set for readinessProbes"
        errors.append(
            FieldError.invalid(f"{path}.terminationGracePeriodSeconds", item.terminationGracePeriodSeconds, text)
        )


def _lethal(item: Probe | None, grace: int | None, path: str, errors: Errors) -> None:
    if item is None:
        return
    _probe(item, grace, path, errors)
    if item.successThreshold != 1:
        errors.append(FieldError.invalid(f"{path}.successThreshold", item.successThreshold or 0, "must be 1"))


def _probe(item: Probe, grace: int | None, path: str, errors: Errors) -> None:
    _handler(item, grace, path, errors)
    for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        value = getattr(item, name)
        if value is not None and value < 0:
            nonnegative(value, f"{path}.{name}", errors)
    seconds = item.terminationGracePeriodSeconds
    if seconds is not None and seconds <= 0:
        errors.append(FieldError.invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0"))


def _handler(item: Any, grace: int | None, path: str, errors: Errors) -> None:
    found = 0
    for name in HANDLERS:
        action = getattr(item, name, None)
        if action is None:
            continue
        found += 1
        if found > 1:
            errors.append(FieldError.forbidden(f"{path}.{name}", "may not specify more than 1 handler type"))
        else:
            _action(name, action, grace, f"{path}.{name}", errors)
    if not found:
        errors.append(FieldError.required(path, "must specify a handler type"))


def _action(name: str, action: Any, grace: int | None, path: str, errors: Errors) -> None:
    if name == "exec":
        if not action.command:
            errors.append(FieldError.required(f"{path}.command"))
    elif name == "httpGet":
        _http_get(action, path, errors)
    elif name == "sleep":
        seconds = action.seconds or 0
        if grace is not None and not 0 <= seconds <= grace:
            text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            errors.append(FieldError.invalid(path, seconds, text))
    else:
        port_number_or_name(action.port, f"{path}.port", errors)


def _http_get(action: HTTPGetAction, path: str, errors: Errors) -> None:
    if not action.path:
        errors.append(FieldError.required(f"{path}.path"))
    port_number_or_name(action.port, f"{path}.port", errors)
    if action.scheme not in ("HTTP", "HTTPS"):
        errors.append(FieldError.not_supported(f"{path}.scheme", action.scheme or "", ("HTTP", "HTTPS")))
    for header in action.httpHeaders or ():
        for message in names.header_name(header.name or ""):
            errors.append(FieldError.invalid(f"{path}.httpHeaders", header.name or "", message))
