"""Role based access control: the authorizer, the check against escalation, and the roles that every cluster has.

Follows `plugin/pkg/auth/authorizer/rbac`, `pkg/registry/rbac` and `plugin/pkg/auth/authorizer/node`.
"""

from k8slab.apiserver.rbac.authorizer import RBAC

__all__ = ["RBAC"]
