"""What learners run: exercises with checks and hints, predictions, and the course's notebooks.

>>> from k8slab.course import Exercise
"""

from k8slab.course.check import Case, Check, Failed, Verdict, check
from k8slab.course.exercise import Exercise, Lesson
from k8slab.course.predict import predict

__all__ = ["Case", "Check", "Exercise", "Failed", "Lesson", "Verdict", "check", "predict"]
