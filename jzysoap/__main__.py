"""``python -m jzysoap``: the command line."""

import sys

from jzysoap.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
