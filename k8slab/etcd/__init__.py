"""The cluster's memory: a multi-version store with watches and leases, as etcd's mvcc package keeps it."""
