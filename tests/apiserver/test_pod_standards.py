"""The Pod Security Standards: what each check says, which level and version it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from k8slab.api.codec import convert
from k8slab.api.core_v1 import PodSpec
from k8slab.apiserver.admission.podstandards import LATEST, Subject, violations
from tests.apiserver.conftest import Lab

SAFE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
SAFE_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def subject(minor: int = LATEST, annotations: Any = None, contexts: Any = None, **spec: Any) -> Subject:
    """A Pod that restricted accepts, but for what is given; `contexts` are those of its containers."""
    contexts = [SAFE | each for each in contexts or ({},)]
    more = spec.pop("container", {})
    names = "abcdef"
    containers = [{"name": names[i], "image": "i", "securityContext": c, **more} for i, c in enumerate(contexts)]
    context = SAFE_POD | spec.pop("securityContext", {})
    context = {key: value for key, value in context.items() if value is not None}
    return Subject(
        convert({"containers": containers, "securityContext": context, **spec}, PodSpec), annotations or {}, minor
    )


def judged(level: str, given: Subject) -> list[str]:
    return [f"{each.reason} ({each.details})" for each in violations(level, given)]


BASELINE = [
    (
        subject(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
        'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
    ),
    (
        subject(annotations={"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}),
        "forbidden AppArmor profile (annotation must not set AppArmor profile type to "
        '"container.apparmor.security.beta.kubernetes.io/a=\\"unconfined\\"")',
    ),
    (subject(hostNetwork=True, hostIPC=True), "host namespaces (hostNetwork=true, hostIPC=true)"),
    (
        subject(container={"ports": [{"containerPort": 1, "hostPort": 9000}, {"containerPort": 2, "hostPort": 80}]}),
        'hostPort (container "a" uses hostPorts 80, 9000)',
    ),
    (
        subject(container={"livenessProbe": {"httpGet": {"port": 1, "host": "x"}}}, contexts=[{}, {}]),
        'probe or lifecycle host (containers "a", "b" use probe or lifecycle host "x")',
    ),
    (
        subject(contexts=[{"privileged": True}, {"privileged": True}]),
        'privileged (containers "a", "b" must not set securityContext.privileged=true)',
    ),
    (
        subject(contexts=[{"procMount": "Unmasked"}]),
        'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ),
    (
        subject(securityContext={"seLinuxOptions": {"type": "x"}}, contexts=[{"seLinuxOptions": {"user": "u"}}]),
        'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "x"; '
        "user may not be set)",
    ),
    (
        subject(
            securityContext={"seccompProfile": {"type": "Unconfined"}},
            contexts=[{"seccompProfile": {"type": "Unconfined"}}],
        ),
        'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ),
    (
        subject(securityContext={"sysctls": [{"name": "a.b"}, {"name": "net.ipv4.tcp_rmem"}, {"name": "c"}]}),
        "forbidden sysctls (a.b, c)",
    ),
    (
        subject(contexts=[{"windowsOptions": {"hostProcess": True}}]),
        'hostProcess (container "a" must not set securityContext.windowsOptions.hostProcess=true)',
    ),
]
RESTRICTED = [
    (
        subject(contexts=[{"allowPrivilegeEscalation": None}]),
        'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
    ),
    (
        subject(contexts=[{"capabilities": {"add": ["CHOWN"]}}, {"capabilities": None}]),
        'unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"]; '
        'container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ),
    (
        subject(volumes=[{"name": "v", "hostPath": {"path": "/"}}, {"name": "w", "nfs": {"server": "s", "path": "/"}}]),
        'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
    ),
    (
        subject(securityContext={"runAsNonRoot": None}, contexts=[{}, {"runAsNonRoot": True}]),
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
    ),
    (
        subject(securityContext={"runAsNonRoot": False}, contexts=[{}, {"runAsNonRoot": False}]),
        'runAsNonRoot != true (pod and container "b" must not set securityContext.runAsNonRoot=false)',
    ),
    (subject(contexts=[{"runAsUser": 0}]), 'runAsUser=0 (container "a" must not set runAsUser=0)'),
    (
        subject(securityContext={"seccompProfile": None}, contexts=[{}, {"seccompProfile": {"type": "Localhost"}}]),
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
        '"Localhost")',
    ),
]


@pytest.mark.parametrize(("given", "text"), BASELINE)
def test_baseline(given: Subject, text: str) -> None:
    assert judged("baseline", given) == [text]
    assert judged("privileged", given) == []
    assert text in judged("restricted", given)


@pytest.mark.parametrize(("given", "text"), RESTRICTED)
def test_restricted(given: Subject, text: str) -> None:
    assert judged("restricted", given) == [text]


@pytest.mark.parametrize(
    ("level", "minor", "given", "count"),
    [
        ("restricted", 7, {"contexts": [{"allowPrivilegeEscalation": None}]}, 0),
        ("restricted", 8, {"contexts": [{"allowPrivilegeEscalation": None}]}, 1),
        ("restricted", 21, {"contexts": [{"capabilities": None}]}, 0),
        ("restricted", 22, {"contexts": [{"runAsUser": 0}]}, 0),
        ("baseline", 33, {"container": {"livenessProbe": {"tcpSocket": {"port": 1, "host": "x"}}}}, 0),
        ("baseline", 26, {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}}, 1),
        ("baseline", 27, {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}}, 0),
        ("baseline", 30, {"securityContext": {"seLinuxOptions": {"type": "container_engine_t"}}}, 1),
        ("baseline", 31, {"securityContext": {"seLinuxOptions": {"type": "container_engine_t"}}}, 0),
        ("baseline", 18, {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}}, 1),
        ("baseline", 19, {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}}, 0),
        ("restricted", 24, {"os": {"name": "windows"}, "contexts": [{"allowPrivilegeEscalation": None}]}, 1),
        ("restricted", 25, {"os": {"name": "windows"}, "contexts": [{"allowPrivilegeEscalation": None}]}, 0),
        ("restricted", 34, {"hostUsers": False, "contexts": [{"runAsUser": 0}]}, 1),
        ("restricted", 35, {"hostUsers": False, "contexts": [{"runAsUser": 0}]}, 0),
        ("baseline", 36, {"hostUsers": False, "contexts": [{"procMount": "Unmasked"}]}, 0),
        ("restricted", 36, {"hostUsers": False, "contexts": [{"procMount": "Unmasked"}]}, 1),
    ],
)
def test_versions(level: str, minor: int, given: dict[str, Any], count: int) -> None:
    assert len(judged(level, subject(minor, **given))) == count


def label(lab: Lab, **labels: str) -> Any:
    named = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    merge = {"metadata": {"labels": named}}
    kind = "application/merge-patch+json"
    return lab.send("patch", "namespaces", "default", merge, namespace=None, content_type=kind)


def deployment() -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"hostPID": True, "containers": [{"name": "c", "image": "i"}]},
    }
    return {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}}


def test_workloads_are_warned_of_what_is_enforced_on_their_pods(lab: Lab) -> None:
    label(lab, enforce="baseline", enforce_version="v1.30")
    answer = lab.send("create", "deployments.apps", body=deployment())
    assert answer.warnings == ('would violate PodSecurity "baseline:v1.30": host namespaces (hostPID=true)',)
    label(lab, warn="privileged")
    assert lab.send("create", "deployments.apps", body=deployment() | {"metadata": {"name": "e"}}).warnings == ()


def test_lower_levels_tell_nothing_of_existing_pods(lab: Lab) -> None:
    lab.pod("a", hostPID=True)
    lab.pod("b", hostPID=True)
    assert label(lab, enforce="baseline").warnings == (
        'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): host namespaces",
    )
    assert label(lab, enforce="privileged").warnings == ()
    assert label(lab, enforce="restricted", enforce_version="v1.0").warnings[1].startswith("a (and 1 other pod): host")
    assert label(lab, enforce="baseline").warnings == ()


def test_labels_that_mean_nothing(lab: Lab) -> None:
    refused = label(lab, enforce="wild", warn_version="v2.0")
    assert [each["field"].rpartition("/")[2] for each in refused.body["details"]["causes"]] == [
        "enforce]",
        "warn-version]",
    ]
