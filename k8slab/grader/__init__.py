"""Grading: submissions run in a jail, what they say is checked on clusters of the grader's own.

The template and its workers import from here too, so this file imports nothing: ``batch.grade_folder`` is the way in.
"""
