"""Deployment: rolls ReplicaSets over to a new template."""

from k8slab.controllers.deployment.deployment import DeploymentController

__all__ = ["DeploymentController"]
