"""Runs one target under atheris (``pip install atheris``): ``python -m tests.fuzz reply [libFuzzer options]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import TARGETS, seeds


def main() -> None:
    """Hands over to atheris."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        raise SystemExit(f"usage: python -m tests.fuzz {{{','.join(TARGETS)}}} [libFuzzer options]")
    try:
        import atheris
    except ImportError:
        raise SystemExit("atheris is not installed: pip install atheris") from None
    target = TARGETS[sys.argv.pop(1)]
    corpus = Path(tempfile.mkdtemp(prefix="jzysoap-fuzz-"))
    for number, seed in enumerate(seeds(target.__name__)):
        (corpus / str(number)).write_bytes(seed)
    atheris.instrument_all()
    atheris.Setup([*sys.argv, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
