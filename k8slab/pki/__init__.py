"""Keys, signatures and certificates, in Python alone: what a cluster signs follows from its seed.

A lab needs few signatures, all of them reproducible: tokens of service accounts (RS256) and certificates (ECDSA with
nonces after RFC 6979). Both are plain arithmetic on integers, so the core needs no cryptography package, and a key is
an ordinary value that can be copied and pickled with the lab. Nothing here resists an attacker who measures time, and a
key made from a seed is known to whoever knows the seed: what is served over a network is protected beside it
(`k8slab.serve`).
"""
