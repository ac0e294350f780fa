"""Commands that make no sense, in kubectl's words (1.32)."""

from __future__ import annotations

import pytest

COMMANDS = [
    ("label node worker-1 =b", "error: at least one label update is required"),
    ("label node worker-1 -", "error: at least one label update is required"),
    ("annotate node worker-1 =b", "error: at least one annotation update is required"),
    ("label node worker-1 x=b x-", "error: can not both modify and remove a label in the same command"),
    (
        "annotate node worker-1 x=b x-",
        "error: can not both modify and remove the following annotation(s) in the same command: x",
    ),
    ("run x --image=", "error: --image is required"),
    ("scale deployment web --replicas=3", 'error: no objects passed to scale deployments.apps "web" not found'),
    ("scale deployment web --replicas=-1", "error: The --replicas=COUNT flag is required, and COUNT must be greater"),
    ("logs web", 'error: error from server (NotFound): pods "web" not found in namespace "default"'),
    (
        "taint node worker-1 a=b:Foo",
        "error: invalid taint effect: Foo, unsupported taint effect\nSee 'kubectl taint -h'",
    ),
    ("exec -- web", 'Error from server (NotFound): pods "web" not found'),
    ("get nonsense", 'error: the server doesn\'t have a resource type "nonsense"'),
    ("get pods --nonsense", "Error: unknown flag: --nonsense\nSee 'kubectl get --help' for usage."),
    ("nonsense", 'Error: unknown command "nonsense" for "kubectl"'),
    ("get 'pods", "error: cannot read this command line"),
    ("delete namespace default", 'Error from server (Forbidden): namespaces "default" is forbidden'),
    ("create namespace default", 'Error from server (AlreadyExists): namespaces "default" already exists'),
]


@pytest.mark.parametrize(("command", "message"), COMMANDS)
def test_what_is_told(refused, command, message):
    assert refused(command).startswith(message)


FIELDS = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, lables: {}}
spec:
  replica: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, imag: "nginx:1.29", image: "nginx:1.29"}]
"""


def test_all_unknown_fields_are_named(refused):
    fields = ("metadata.lables", "spec.replica", "spec.template.spec.containers[0].imag")
    message = refused("apply -f -", FIELDS)
    assert 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ' in message
    assert sorted(field for field in fields if f'unknown field "{field}"' in message) == sorted(fields)
