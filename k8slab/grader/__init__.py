"""Grading: submissions run in a jail, what they say is checked on clusters of the grader's own."""

from k8slab.grader.batch import grade_folder

__all__ = ["grade_folder"]
