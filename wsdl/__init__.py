"""Service definitions that are shipped, each with a ``SOURCE`` that says what it is."""
