"""ClusterTrustBundleAttest: trust in a signer is attested by who may do that (`certificates/ctbattest`).

The resource is served only where its version is switched on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from k8slab.apiserver.admission.plugin import Plugin, refuse
from k8slab.apiserver.admission.signers import GROUP, may_act_for
from k8slab.errors import quote

if TYPE_CHECKING:
    from k8slab.apiserver.call import Call


class ClusterTrustBundleAttest(Plugin):
    """Guards bundles that belong to a signer."""

    name = "ClusterTrustBundleAttest"
    resources = frozenset({(GROUP, "clustertrustbundles")})
    operations = frozenset({"CREATE", "UPDATE"})

    def validate(self, call: Call, obj: Any, old: Any) -> None:
        """Refuse bundles for signers that the user may not attest for."""
        signer = (obj.spec or {}).get("signerName") if isinstance(obj.spec, dict) else obj.spec.signerName
        if (old is not None and obj.spec == old.spec) or not signer:
            return
        if not may_act_for(call, "attest", signer):
            raise refuse(call, obj, f"user not permitted to attest for signerName {quote(signer)}")
