"""The program ``jzysoap``."""
