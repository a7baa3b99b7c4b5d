"""Bytes out and bytes in; nothing else of the package does I/O with a gateway."""
