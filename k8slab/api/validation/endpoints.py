"""Endpoints and EndpointSlices (`pkg/apis/core/validation`, `pkg/apis/discovery/validation`)."""

from __future__ import annotations

from k8slab.api.core_v1 import Endpoints, EndpointSubset
from k8slab.api.discovery_v1 import Endpoint, EndpointSlice, ForZone
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, immutable, object_meta, object_meta_update
from k8slab.api.validation.services import protocol
from k8slab.errors import FieldError

MAX_ZONE_HINTS = 8
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")


def create_endpoints(obj: Endpoints, errors: Errors) -> None:
    """New Endpoints."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    for index, subset in enumerate(obj.subsets or ()):
        _subset(subset, f"subsets[{index}]", errors)


def update_endpoints(new: Endpoints, old: Endpoints, errors: Errors) -> None:
    """Changed Endpoints."""
    object_meta_update(new.metadata, old.metadata, errors)
    if new.subsets != old.subsets:
        create_endpoints(new, errors)


def _subset(item: EndpointSubset, path: str, errors: Errors) -> None:
    if not item.addresses and not item.notReadyAddresses:
        errors.append(FieldError.required(path, "must specify `addresses` or `notReadyAddresses`"))
    for name in ("addresses", "notReadyAddresses"):
        for index, address in enumerate(getattr(item, name) or ()):
            place = f"{path}.{name}[{index}]"
            wrong = names.ip_address(address.ip or "")
            for message in wrong:
                errors.append(FieldError.invalid(f"{place}.ip", address.ip or "", message))
            if address.hostname:
                for message in names.dns_label(address.hostname):
                    errors.append(FieldError.invalid(f"{place}.hostname", address.hostname, message))
            if address.nodeName is not None:
                for message in names.subdomain_name(address.nodeName):
                    errors.append(FieldError.invalid(f"{place}.nodeName", address.nodeName, message))
            for message in ("must be a valid IP address",) if wrong else names.special_ip(address.ip):
                errors.append(FieldError.invalid(f"{place}.ip", address.ip or "", message))
    for index, port in enumerate(item.ports or ()):
        place = f"{path}.ports[{index}]"
        if not port.name and len(item.ports) > 1:
            errors.append(FieldError.required(f"{place}.name"))
        elif port.name:
            for message in names.dns_label(port.name):
                errors.append(FieldError.invalid(f"{place}.name", port.name, message))
        for message in names.port_number(port.port or 0):
            errors.append(FieldError.invalid(f"{place}.port", port.port or 0, message))
        protocol(port.protocol, f"{place}.protocol", errors)


def create_slice(obj: EndpointSlice, errors: Errors) -> None:
    """A new EndpointSlice."""
    object_meta(obj.metadata, True, names.subdomain_name, errors)
    if not obj.addressType:
        errors.append(FieldError.required("addressType"))
    elif obj.addressType not in ADDRESS_TYPES:
        errors.append(FieldError.not_supported("addressType", obj.addressType, ADDRESS_TYPES))
    if len(obj.endpoints or ()) > 1000:
        errors.append(FieldError.too_many("endpoints", len(obj.endpoints), 1000))
        return
    for index, item in enumerate(obj.endpoints or ()):
        _endpoint(item, obj.addressType, f"endpoints[{index}]", errors)
    _slice_ports(obj, errors)


def update_slice(new: EndpointSlice, old: EndpointSlice, errors: Errors) -> None:
    """A changed EndpointSlice: it keeps its kind of addresses."""
    object_meta_update(new.metadata, old.metadata, errors)
    create_slice(new, errors)
    immutable(new.addressType, old.addressType, "addressType", errors)


def _endpoint(item: Endpoint, kind: str | None, path: str, errors: Errors) -> None:
    addresses = item.addresses or ()
    if not addresses:
        errors.append(FieldError.required(f"{path}.addresses", "must contain at least 1 address"))
    elif len(addresses) > 100:
        errors.append(FieldError.too_many(f"{path}.addresses", len(addresses), 100))
    for index, address in enumerate(addresses):
        _slice_address(address, kind, f"{path}.addresses[{index}]", errors)
    if item.nodeName is not None:
        for message in names.subdomain_name(item.nodeName):
            errors.append(FieldError.invalid(f"{path}.nodeName", item.nodeName, message))
    if item.hostname is not None:
        for message in names.dns_label(item.hostname):
            errors.append(FieldError.invalid(f"{path}.hostname", item.hostname, message))
    if item.hints is not None:
        _zone_hints(item.hints.forZones or (), f"{path}.hints.forZones", errors)


def _slice_address(address: str, kind: str | None, place: str, errors: Errors) -> None:
    if kind == "FQDN":
        _full_name(address, place, errors)
        return
    wrong = names.ip_address(address)
    for message in wrong:
        errors.append(FieldError.invalid(place, address, message))
    if not wrong and kind in ("IPv4", "IPv6") and (":" in address) != (kind == "IPv6"):
        errors.append(FieldError.invalid(place, address, f"must be an {kind} address"))
    for message in names.special_ip(address) if not wrong else ():
        errors.append(FieldError.invalid(place, address, message))


def _full_name(text: str, place: str, errors: Errors) -> None:
    name = text.removesuffix(".")
    if not text:
        errors.append(FieldError.required(place))
        return
    wrong = names.dns_subdomain(name)
    errors.extend(FieldError.invalid(place, text, message) for message in wrong)
    if not wrong and "." not in name:
        message = "should be a domain with at least two segments separated by dots"
        errors.append(FieldError.invalid(place, text, message))


def _zone_hints(zones: tuple[ForZone, ...], path: str, errors: Errors) -> None:
    if len(zones) > MAX_ZONE_HINTS:
        errors.append(FieldError.too_many(path, len(zones), MAX_ZONE_HINTS))
        return
    seen: set[str] = set()
    for index, zone in enumerate(zones):
        place, name = f"{path}[{index}].name", zone.name or ""
        if name in seen:
            errors.append(FieldError.duplicate(place, name))
        seen.add(name)
        errors.extend(FieldError.invalid(place, name, message) for message in names.label_value(name))


def _slice_ports(obj: EndpointSlice, errors: Errors) -> None:
    seen: set[str] = set()
    for index, port in enumerate(obj.ports or ()):
        place, name = f"ports[{index}]", port.name or ""
        if name:
            for message in names.dns_label(name):
                errors.append(FieldError.invalid(f"{place}.name", name, message))
        if name in seen:
            errors.append(FieldError.duplicate(f"{place}.name", name))
        seen.add(name)
        protocol(port.protocol, f"{place}.protocol", errors)
        if port.appProtocol is not None:
            for message in names.qualified_name(port.appProtocol):
                errors.append(FieldError.invalid(f"{place}.appProtocol", port.appProtocol, message))
