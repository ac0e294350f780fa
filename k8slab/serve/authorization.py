"""Who may read the paths that belong to no resource: health, version, discovery, OpenAPI, metrics.

The default rules of a cluster (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`): everybody may read health
and version (`system:public-info-viewer`), those who are known may discover (`system:discovery`), and all other paths
are for `system:masters` and whoever the server's authorizer lets through.
"""

from __future__ import annotations

from k8slab.api.request import ANONYMOUS, UserInfo
from k8slab.errors import ApiError
from k8slab.serve.authentication import AUTHENTICATED, unauthorized

PUBLIC = ("/healthz", "/livez", "/readyz", "/version")
DISCOVERY = ("/api", "/apis", "/openapi")
MASTERS = "system:masters"


def check_path(user: UserInfo, method: str, path: str) -> None:
    """Raises ApiError (401, 403) where the user may not ask for a path that belongs to no resource."""
    path = path.rstrip("/") or "/"
    if path in PUBLIC or MASTERS in user.groups:
        return
    if AUTHENTICATED in user.groups and any(path == each or path.startswith(f"{each}/") for each in DISCOVERY):
        return
    if path.startswith(tuple(f"{each}/" for each in PUBLIC[:3])) and AUTHENTICATED in user.groups:
        return
    if user.name == ANONYMOUS.name:
        raise unauthorized()
    verb = method.lower()
    raise ApiError(403, "Forbidden", f'forbidden: User "{user.name}" cannot {verb} path "{path}"', {})
