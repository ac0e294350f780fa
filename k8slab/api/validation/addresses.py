"""IPAddresses, ServiceCIDRs and APIServices (`pkg/apis/networking/validation`, kube-aggregator's validation)."""

from __future__ import annotations

from functools import partial

from k8slab.api import apiregistration_v1, networking_v1
from k8slab.api.validation import names
from k8slab.api.validation.gostruct import quoted
from k8slab.api.validation.metadata import Errors, immutable, object_meta, object_meta_update
from k8slab.errors import FieldError, quote

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


def _version_and_group(wanted: str, text: str, prefix: bool) -> names.Messages:
    wrong = names.path_segment(text)
    if wrong or text == wanted:
        return wrong
    return (f'must be `spec.version+"."+spec.group`: {quote(wanted)}',)


def api_service(obj: apiregistration_v1.APIService, errors: Errors) -> None:
    """A new APIService: it is called after version and group."""
    spec = obj.spec or apiregistration_v1.APIServiceSpec()
    version, group = spec.version or "", spec.group or ""
    object_meta(obj.metadata, False, partial(_version_and_group, f"{version}.{group}"), errors)
    if not group and version != "v1":
        text = "only v1 may have an empty group and it better be legacy kube"
        errors.append(FieldError.required("spec.group", text))
    for message in names.dns_subdomain(group) if group else ():
        errors.append(FieldError.invalid("spec.group", group, message))
    for message in names.dns1035_label(version):
        errors.append(FieldError.invalid("spec.version", version, message))
    for name, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        number = getattr(spec, name) or 0
        if not 0 < number <= most:
            errors.append(FieldError.invalid(f"spec.{name}", number, f"must be positive and less than {most}"))
    if spec.service is None:
        _local(spec, errors)
    else:
        _remote(spec, spec.service, errors)


def _local(spec: apiregistration_v1.APIServiceSpec, errors: Errors) -> None:
    if spec.caBundle:
        size = len(spec.caBundle) * 3 // 4 - spec.caBundle[-2:].count("=")
        errors.append(FieldError.invalid("spec.caBundle", f"{size} bytes", "local APIServices may not have a caBundle"))
    if spec.insecureSkipTLSVerify:
        text = "local APIServices may not have insecureSkipTLSVerify"
        errors.append(FieldError.invalid("spec.insecureSkipTLSVerify", True, text))


def _remote(
    spec: apiregistration_v1.APIServiceSpec, service: apiregistration_v1.ServiceReference, errors: Errors
) -> None:
    for name in ("namespace", "name"):
        if not getattr(service, name):
            errors.append(FieldError.required(f"spec.service.{name}"))
    wrong = names.port_number(service.port or 0)
    if wrong:
        text = f"port is not valid: {', '.join(wrong)}"
        errors.append(FieldError.invalid("spec.service.port", service.port or 0, text))
    if spec.insecureSkipTLSVerify and spec.caBundle:
        text = "may not be true if caBundle is present"
        errors.append(FieldError.invalid("spec.insecureSkipTLSVerify", True, text))


def update_api_service(new: apiregistration_v1.APIService, old: apiregistration_v1.APIService, errors: Errors) -> None:
    """A changed APIService."""
    object_meta_update(new.metadata, old.metadata, errors)
    api_service(new, errors)
