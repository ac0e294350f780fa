"""Strategies that differ from the plain one in a property or two."""

from __future__ import annotations

from k8slab.apiserver.registry.strategy import Strategy


class CountedStrategy(Strategy):
    """Rules of kinds without a controller whose changes are counted all the same."""

    counts_generations = True


class CreatedByUpdateStrategy(Strategy):
    """Rules of kinds that an update may create."""

    create_on_update = True


class StrictStrategy(Strategy):
    """Rules of kinds whose updates must name the version they change."""

    unconditional_update = False


class LeaseStrategy(Strategy):
    """Rules of leases."""

    create_on_update = True
    unconditional_update = False


class EventStrategy(Strategy):
    """Rules of events: nobody owns through them."""

    create_on_update = True
    collects_garbage = False


class PodDisruptionBudgetStrategy(Strategy):
    """Rules of poddisruptionbudgets: a changed spec is counted, and updates must name the version they change."""

    counts_generations = True
    unconditional_update = False
