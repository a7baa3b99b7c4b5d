"""Real servers and clients of other stacks, against this library."""
