"""Every kind's Table has as many cells as columns; the rarer kinds show what the real server's printers show."""

from __future__ import annotations

import pytest

from k8slab.api.scheme import SCHEME
from k8slab.apiserver.printing.columns import COLUMNS
from k8slab.apiserver.printing.table import CELLS

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations: [{expression: "object.spec.replicas <= 5"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny]}
"""


@pytest.mark.parametrize("key", sorted(COLUMNS))
def test_kinds_with_columns_have_cells(key: tuple[str, str]) -> None:
    generic = ("Name Created_At:date",)
    kinds = {each.kind for each in SCHEME.all_resources() if (each.group, each.plural) == key}
    assert COLUMNS[key] in generic or kinds <= {*CELLS, "ComponentStatus"}


def test_admission_policies(kubectl) -> None:
    assert kubectl("apply -f -", stdin=POLICY).exit_code == 0
    row = kubectl("get validatingadmissionpolicies").stdout.splitlines()[1].split()
    assert row[:3] == ["replicas", "1", "<unset>"]
    row = kubectl("get validatingadmissionpolicybindings").stdout.splitlines()[1].split()
    assert row[:3] == ["replicas", "replicas", "<unset>"]
