"""The program ``jzysoap``: ``main`` reads the arguments, ``demo`` and ``definition`` are the commands."""
