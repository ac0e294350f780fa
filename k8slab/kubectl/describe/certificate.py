"""Certificate signing requests."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from k8slab.kubectl import duration
from k8slab.kubectl.describe.writer import Object, Writer, date, events, pairs
from k8slab.kubectl.failure import CommandError
from k8slab.pki.request import CertificateRequest, parse
from k8slab.sim.clock import SECOND


def describe_request(inv: Any, obj: Object) -> str:
    """A CertificateSigningRequest, with what is in the request itself."""
    writer, metadata, spec = Writer(), obj["metadata"], obj.get("spec") or {}
    asked = _parsed(spec.get("request") or "")
    writer.field("Name", metadata["name"])
    for name in ("labels", "annotations"):
        writer.field(name.capitalize(), ",".join(pairs(metadata.get(name))) or "<none>")
    writer.field("CreationTimestamp", date(metadata.get("creationTimestamp")))
    writer.field("Requesting User", spec.get("username", ""))
    if spec.get("signerName"):
        writer.field("Signer", spec["signerName"])
    if spec.get("expirationSeconds") is not None:
        writer.field("Requested Duration", duration.human(spec["expirationSeconds"] * SECOND))
    writer.field("Status", state(obj.get("status") or {}))
    _subject(writer, asked)
    events(writer, inv, obj)
    return writer.text()


def _parsed(request: str) -> CertificateRequest:
    try:
        return parse(base64.b64decode(request, validate=True).decode())
    except (binascii.Error, ValueError) as error:
        raise CommandError(f"Error parsing CSR: {error}") from None


def _subject(writer: Writer, asked: CertificateRequest) -> None:
    writer.line(0, "Subject:")
    writer.line(0, f"\tCommon Name:\t{asked.common_name}")
    writer.line(0, "\tSerial Number:\t")
    _list(writer, "Organization", asked.organizations)
    addresses = [str(ip_address(each)) for each in asked.ip_addresses]
    if asked.dns_names or asked.email_addresses or asked.uris or addresses:
        writer.line(0, "Subject Alternative Names:")
        _list(writer, "DNS Names", asked.dns_names)
        _list(writer, "Email Addresses", asked.email_addresses)
        _list(writer, "URIs", asked.uris)
        _list(writer, "IP Addresses", addresses)


def _list(writer: Writer, name: str, values: Sequence[str]) -> None:
    for index, value in enumerate(values):
        writer.line(0, f"\t{name}:\t{value}" if not index else f"\t\t{value}")


def state(status: Object) -> str:
    """What has become of a request, as `kubectl get` shows it."""
    kinds = [each["type"] for each in status.get("conditions") or ()]
    decided = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    return decided + (",Failed" if "Failed" in kinds else "") + (",Issued" if status.get("certificate") else "")
