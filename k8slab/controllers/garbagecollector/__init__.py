"""Garbage collection: what is owned goes when its owners have gone."""

from k8slab.controllers.garbagecollector.garbagecollector import GarbageCollector

__all__ = ["GarbageCollector"]
