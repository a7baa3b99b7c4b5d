"""The options of a client and its credentials, checked once."""
