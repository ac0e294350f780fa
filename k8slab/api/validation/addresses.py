"""IPAddresses and ServiceCIDRs (`pkg/apis/networking/validation`)."""

from __future__ import annotations

from k8slab.api import networking_v1
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, immutable, object_meta, object_meta_update
from k8slab.errors import FieldError

ONE_OF_EACH = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


def _address_name(text: str, prefix: bool) -> names.Messages:
    return names.ip_address(text)


def ip_address(obj: networking_v1.IPAddress, errors: Errors) -> None:
    """A new IPAddress: its name is the address, and it says whose it is."""
    object_meta(obj.metadata, False, _address_name, errors)
    parent = obj.spec.parentRef if obj.spec else None
    if parent is None:
        errors.append(FieldError.required("spec.parentRef"))
        return
    for message in names.dns_subdomain(parent.group) if parent.group else ():
        errors.append(FieldError.invalid("spec.parentRef.group", parent.group, message))
    for name in ("resource", "name", "namespace"):
        value = getattr(parent, name)
        if not value and name != "namespace":
            errors.append(FieldError.required(f"spec.parentRef.{name}"))
        for message in names.path_segment(value) if value else ():
            errors.append(FieldError.invalid(f"spec.parentRef.{name}", value, message))


def update_ip_address(new: networking_v1.IPAddress, old: networking_v1.IPAddress, errors: Errors) -> None:
    """A changed IPAddress: its owner stays."""
    object_meta_update(new.metadata, old.metadata, errors)
    mine, theirs = (obj.spec.parentRef if obj.spec else None for obj in (new, old))
    immutable(mine, theirs, "spec.parentRef", errors)


def service_cidr(obj: networking_v1.ServiceCIDR, errors: Errors) -> None:
    """A new ServiceCIDR."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    ranges = (obj.spec.cidrs if obj.spec else None) or ()
    path = "spec.cidrs"
    if not ranges:
        errors.append(FieldError.required(path, "at least one CIDR required"))
    elif len(ranges) > 2:
        errors.append(FieldError.invalid(path, quoted(obj.spec), "may only hold up to 2 values"))
    elif len(ranges) == 2 and sorted(":" in text for text in ranges) != [False, True]:
        errors.append(FieldError.invalid(path, quoted(obj.spec), ONE_OF_EACH))
    else:
        for index, text in enumerate(ranges):
            errors.extend(FieldError.invalid(f"{path}[{index}]", text, message) for message in names.cidr(text))


def update_service_cidr(new: networking_v1.ServiceCIDR, old: networking_v1.ServiceCIDR, errors: Errors) -> None:
    """A changed ServiceCIDR: its ranges stay."""
    object_meta_update(new.metadata, old.metadata, errors)
    mine, theirs = (obj.spec.cidrs if obj.spec else None for obj in (new, old))
    immutable(mine, theirs, "spec.cidrs", errors)
