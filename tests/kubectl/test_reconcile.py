"""auth reconcile, describe csr, cluster-info dump, impersonated extras, and commands that have no work here."""

import base64

import pytest

from k8slab import Lab
from k8slab.pki import ecdsa
from k8slab.pki.request import make


@pytest.fixture(scope="module")
def template():
    lab = Lab(workers=1)
    lab.kubectl("run talk --image=busybox -- sh -c 'echo hello'", echo=False)
    lab.run("10s")
    return lab


@pytest.fixture
def lab(template):
    return template.fork()


def role(*verbs, kind="ClusterRole", **metadata):
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind}
    return {**head, "metadata": {"name": "reader", **metadata}, "rules": rules}


def binding(role_name, *users):
    group = "rbac.authorization.k8s.io"
    subjects = [{"kind": "User", "apiGroup": group, "name": name} for name in users]
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": role_name}
    head = {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "readers"}}
    return {**head, "roleRef": reference, "subjects": subjects}


def reconcile(lab, tmp_path, obj, flags=""):
    import json

    path = tmp_path / "rbac.json"
    path.write_text(json.dumps(obj))
    done = lab.kubectl(f"auth reconcile -f {path} {flags}", echo=False)
    return done.stdout + done.stderr


def test_a_role_gets_what_it_lacks(lab, tmp_path):
    first = reconcile(lab, tmp_path, role("get"))
    assert first == (
        "clusterrole.rbac.authorization.k8s.io/reader reconciled\n"
        "\treconciliation required create\n"
        "\tmissing rules added:\n"
        "\t\t{Verbs:[get] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}\n"
    )
    more = reconcile(lab, tmp_path, role("list"))
    assert "required update" in more and "{Verbs:[list]" in more
    assert [rule.verbs for rule in lab.get("clusterrole/reader").rules] == [("get",), ("list",)]
    assert reconcile(lab, tmp_path, role("list")) == "clusterrole.rbac.authorization.k8s.io/reader reconciled\n"
    less = reconcile(lab, tmp_path, role("list"), "--remove-extra-permissions")
    assert "\textra rules removed:\n\t\t{Verbs:[get]" in less
    assert [rule.verbs for rule in lab.get("clusterrole/reader").rules] == [("list",)]


def test_protected_ones_are_left_alone(lab, tmp_path):
    notes = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
    lab.apply(role("get", annotations=notes))
    told = reconcile(lab, tmp_path, role("list"))
    assert "update, but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)" in told
    assert len(lab.get("clusterrole/reader").rules) == 1


def test_a_binding_to_another_role_is_made_again(lab, tmp_path):
    reconcile(lab, tmp_path, binding("view", "ann"))
    uid = lab.get("clusterrolebinding/readers").metadata.uid
    assert "{Kind:User APIGroup:rbac.authorization.k8s.io Name:bob Namespace:}" in reconcile(
        lab, tmp_path, binding("view", "bob")
    )
    assert [each.name for each in lab.get("clusterrolebinding/readers").subjects] == ["ann", "bob"]
    assert "required recreate" in reconcile(lab, tmp_path, binding("edit", "cy"))
    found = lab.get("clusterrolebinding/readers")
    assert found.metadata.uid != uid and found.roleRef.name == "edit"


def test_a_missing_namespace_is_made_but_not_in_a_dry_run(lab, tmp_path):
    wanted = role("get", kind="Role", namespace="shop")
    reconcile(lab, tmp_path, wanted, "--dry-run=client")
    assert "shop" not in [each.metadata.name for each in lab.list("namespaces")]
    reconcile(lab, tmp_path, wanted)
    assert lab.get("role/reader", namespace="shop") is not None


def test_requests_for_certificates_are_described(lab):
    request = make(ecdsa.generate(5), "ann", ("devs", "ops"), ("ann.example.com",))
    spec = {
        "request": base64.b64encode(request.encode()).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
        "expirationSeconds": 86400,
    }
    head = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "ann"}}
    lab.client.create({**head, "spec": spec})
    told = lab.kubectl("describe csr ann", echo=False).stdout
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "Requesting User: kubernetes-admin" in lines
    assert "Requested Duration: 24h" in lines
    assert "Status: Pending" in lines
    subject = lines.index("Subject:")
    assert lines[subject + 1 : subject + 5] == ["Common Name: ann", "Serial Number:", "Organization: devs", "ops"]
    assert "DNS Names: ann.example.com" in lines
    lab.kubectl("certificate approve ann", echo=False)
    lab.run("5s")
    assert "Approved,Issued" in lab.kubectl("describe csr ann", echo=False).stdout


def test_a_dump_has_the_logs(lab):
    told = lab.kubectl("cluster-info dump --namespaces=default", echo=False).stdout
    assert (
        "==== START logs for container talk of pod default/talk ====\nhello\n==== END logs for container talk" in told
    )
    assert '"kind": "EventList"' in told


def test_extras_are_impersonated(lab):
    told = lab.kubectl("auth whoami --as=ann --as-user-extra=team=blue --as-user-extra=team=red", echo=False).stdout
    assert "Extra: team" in told and "[blue red]" in told


@pytest.mark.parametrize("command", ["plugin list", "completion bash", "alpha"])
def test_what_has_no_work_here_says_so(lab, command):
    done = lab.kubectl(command, echo=False)
    assert done.stderr.startswith("error: ") and "\n" not in done.stderr.strip()
