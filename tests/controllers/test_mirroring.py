"""EndpointSlices that mirror Endpoints made by hand."""

from k8slab import Lab

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def mirror(lab):
    [found] = lab.list("endpointslices.discovery.k8s.io", selector="kubernetes.io/service-name=db")
    return found


def test_labels_and_annotations_are_copied():
    lab = Lab(workers=1)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}]}}
    notes = {"team": "blue", LAST_APPLIED: "{}"}
    metadata = {"name": "db", "labels": {"tier": "data"}, "annotations": notes}
    subsets = [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 5432}]}]
    lab.apply(service)
    lab.client.create(
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": {**metadata, "namespace": "default"}, "subsets": subsets}
    )
    lab.run("5s")
    found = mirror(lab).metadata
    assert found.labels["tier"] == "data"
    assert found.annotations == {"team": "blue"}
    lab.kubectl("annotate endpoints db team=red why=moved --overwrite", echo=False)
    lab.run("5s")
    assert mirror(lab).metadata.name == found.name
    assert mirror(lab).metadata.annotations == {"team": "red", "why": "moved"}
    version = mirror(lab).metadata.resourceVersion
    lab.kubectl("annotate endpoints db team- why-", echo=False)
    lab.run("5s")
    assert mirror(lab).metadata.annotations is None
    settled = mirror(lab).metadata.resourceVersion
    assert settled != version
    lab.run("5m")
    assert mirror(lab).metadata.resourceVersion == settled, "nothing is left to do"
