"""``Client`` and ``AsyncClient``: two thin shells over the same generator steps."""
