"""Leases: keys that live as long as somebody keeps them alive (etcd's lessor)."""

from __future__ import annotations

from k8slab.errors import K8sLabError


class LeaseNotFound(K8sLabError):
    """etcdserver: requested lease not found."""

    def __init__(self, lease_id: int) -> None:
        super().__init__(lease_id)
        self.lease_id = lease_id

    def __str__(self) -> str:
        return "etcdserver: requested lease not found"


class _Lease:
    __slots__ = ("expires", "keys", "ttl")

    def __init__(self, ttl: int, expires: int) -> None:
        self.ttl = ttl
        self.expires = expires
        self.keys: dict[str, None] = {}


class Leases:
    """Granted leases by id, each with its time to live (microseconds) and the keys attached to it."""

    __slots__ = ("_leases", "_next")

    def __init__(self) -> None:
        self._leases: dict[int, _Lease] = {}
        self._next = 1

    def grant(self, ttl: int, now: int, lease_id: int = 0) -> int:
        """Grant a lease; ``lease_id`` 0 lets the store choose. Raises ValueError where the id or the TTL is bad."""
        if ttl <= 0:
            raise ValueError(f"a lease needs a positive TTL, not {ttl} microseconds")
        if not lease_id:
            while self._next in self._leases:
                self._next += 1
            lease_id = self._next
        if lease_id in self._leases:
            raise ValueError("etcdserver: lease already exists")
        self._leases[lease_id] = _Lease(ttl, now + ttl)
        return lease_id

    def keep_alive(self, lease_id: int, now: int) -> int:
        """Start a lease's time anew; returns its TTL."""
        lease = self._get(lease_id)
        lease.expires = now + lease.ttl
        return lease.ttl

    def revoke(self, lease_id: int) -> list[str]:
        """Forget a lease; returns the keys that were attached, sorted."""
        keys = self.keys(lease_id)
        del self._leases[lease_id]
        return keys

    def expired(self, now: int) -> list[int]:
        """The ids of leases whose time is over, in order of expiry."""
        return sorted((i for i, lease in self._leases.items() if lease.expires <= now), key=self._order)

    def keys(self, lease_id: int) -> list[str]:
        """The keys attached to a lease, sorted."""
        return sorted(self._get(lease_id).keys)

    def move(self, key: str, old: int, new: int) -> None:
        """Detach a key from one lease and attach it to another (0: none)."""
        target = self._get(new) if new else None
        if old in self._leases:
            self._leases[old].keys.pop(key, None)
        if target is not None:
            target.keys[key] = None

    def _order(self, lease_id: int) -> tuple[int, int]:
        return self._leases[lease_id].expires, lease_id

    def _get(self, lease_id: int) -> _Lease:
        lease = self._leases.get(lease_id)
        if lease is None:
            raise LeaseNotFound(lease_id)
        return lease
