"""The images that a lab's registries serve: the ones that tutorials and examples use.

Sizes are compressed bytes, rounded. Versions are ranges of minor versions that exist; a tag outside of them is not
found, as on the real registry.
"""

from __future__ import annotations

from k8slab.kubelet.catalog.hub import HUB
from k8slab.kubelet.catalog.kubernetes import COMPONENTS
from k8slab.kubelet.catalog.more import further, tools
from k8slab.kubelet.catalog.others import OTHERS
from k8slab.kubelet.catalog.samples import SAMPLES, boutique
from k8slab.kubelet.images import Repository

REPOSITORIES: dict[str, Repository] = {
    **{f"docker.io/library/{name}": repository for name, repository in HUB.items()},
    **{f"docker.io/{name}": repository for name, repository in OTHERS.items()},
    **{f"registry.k8s.io/{name}": repository for name, repository in COMPONENTS.items()},
    **{f"k8s.gcr.io/{name}": repository for name, repository in COMPONENTS.items()},
    **{f"public.ecr.aws/docker/library/{name}": repository for name, repository in HUB.items()},
    **{f"mirror.gcr.io/library/{name}": repository for name, repository in HUB.items()},
    **SAMPLES,
    **further(),
    **tools(),
    **boutique(),
}
"""By full repository name."""
