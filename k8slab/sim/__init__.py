"""The simulation's ground: virtual time, seeded randomness, the journal of inputs, and the record of causes."""
