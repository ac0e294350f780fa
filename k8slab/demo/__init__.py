"""The main job, headless: run an application, fail a worker, and tell what happens when."""

from k8slab.demo.report import report
from k8slab.demo.story import Story, StuckError, tell

__all__ = ["Story", "StuckError", "report", "tell"]
