"""The choice of a service definition: the gateway's, the last saved copy, a path, or a bundled one.

Only a definition that was compiled to usable bindings is ever saved. Like ``collect``, this module yields the addresses
that it needs instead of fetching them.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from jzysoap._version import __version__
from jzysoap.definition.bindings import Bindings, changes
from jzysoap.definition.cache import Cache
from jzysoap.definition.collect import Definition, Fetch, Fetching, collect, drive
from jzysoap.definition.local import read_local
from jzysoap.model.errors import WsdlError
from jzysoap.model.masking import tidy
from jzysoap.settings.options import Config

logger = logging.getLogger("jzysoap")

PATH = "/services/userApi?wsdl"
"""The path of a gateway's definition, after the base address (docs/protocol.md#web-service)."""

# Seconds for which a gateway that could not be reached is not asked again.
_REMEMBER_FAILURE = 300.0
# Seconds since the epoch from which on a saved time is not plausible; time.localtime() may fail for it.
_FAR_FUTURE = 2.0**32


class Loaded(NamedTuple):
    """A definition that is ready for use.

    Attributes:
        bindings: the compiled bindings.
        origin: ``live``, ``saved``, ``given`` or ``bundled``.
        saved_on: for a saved one, when it was fetched, in local time; else empty.
    """

    bindings: Bindings
    origin: str
    saved_on: str = ""


def loading(config: Config, *, clock: Callable[[], float] = time.time) -> Fetching[Loaded]:
    """Return the definition to use.

    Raises:
        WsdlError: there is no usable definition. Nothing was sent.
    """
    cache = Cache(config.cache_dir)
    if config.wsdl is not None and "://" not in config.wsdl:
        definition, source = read_local(config.wsdl)
        return Loaded(_compile(config, cache, definition, config.wsdl), source)
    url = live_address(config)
    saved = last_saved(config)
    if saved is not None and config.wsdl_sha256 not in (None, saved.sha256):
        saved = None
    if saved is not None:
        failed_at = cache.read(f"failure {url}") if config.wsdl_max_age else None
        failed = isinstance(failed_at, float) and 0 <= clock() - failed_at < _REMEMBER_FAILURE
        young = 0 <= clock() - saved.fetched_at < config.wsdl_max_age
        if young or failed:
            # A saved definition that cannot be used counts as none: the gateway's may have changed since.
            with contextlib.suppress(WsdlError):
                bindings = _compile(config, cache, saved, url)
                if not young:
                    _warn_of_saved(saved, "fetching it failed minutes ago")
                return Loaded(bindings, "saved", _format_time(saved))
    try:
        definition = Definition(url, (yield from collect(url)), clock())
        bindings = _compile(config, cache, definition, url)
    except WsdlError as error:
        if saved is None or error.readable:
            # The gateway's definition was read and cannot be used: the gateway has changed, the saved one is outdated.
            raise
        cache.write(f"failure {url}", clock())
        try:
            bindings = _compile(config, cache, saved, url)
        except WsdlError:
            raise error from None
        _warn_of_saved(saved, str(error))
        return Loaded(bindings, "saved", _format_time(saved))
    if saved is not None:
        cache.write(f"failure {url}", None)
        kept = _keep_saved_if_changed(config, cache, saved, bindings)
        if kept is not None:
            return Loaded(kept, "saved", _format_time(saved))
    save(config, definition)
    return Loaded(bindings, "live")


def get(location: str, fetch: Fetch) -> Definition:
    """Return the definition at a path or an address, or a bundled one; saved definitions are not used.

    Raises:
        WsdlError: there is no such definition.
    """
    if "://" not in location:
        return read_local(location)[0]
    return Definition(location, drive(collect(location), fetch), time.time())


def live_address(config: Config) -> str:
    """Return the address of the definition for a client with these options, unless ``wsdl`` is a local one."""
    return config.wsdl or config.base_url + PATH


def last_saved(config: Config) -> Definition | None:
    """Return the definition that a client with these options saved last, else None."""
    return _from_json(Cache(config.cache_dir).read(f"definition {live_address(config)}"))


def save(config: Config, definition: Definition) -> None:
    """Save a definition, so that clients with these options use it."""
    Cache(config.cache_dir).write(f"definition {live_address(config)}", _to_json(definition))


def _compile(config: Config, cache: Cache, definition: Definition, source: str) -> Bindings:
    """Return the bindings of a definition, compiled now or earlier; an error calls the definition ``source``."""
    digest = definition.sha256
    if config.wsdl_sha256 not in (None, digest):
        raise WsdlError(f"the definition at {source} has sha256 {digest}, not wsdl_sha256", source=source)
    # The address counts too, since imports are resolved against it.
    table = list(config.operations.values())
    key = f"bindings {digest} {definition.url} {config.arguments} {table} {__version__} {_zeep_version()}"
    try:
        return Bindings.from_json(cache.read(key), config.operations)
    except ValueError:
        bindings = definition.compile(source, config.arguments, config.operations)
        cache.write(key, bindings.to_json())
        return bindings


def _zeep_version() -> str:
    from importlib.metadata import version

    return version("zeep")


def _keep_saved_if_changed(config: Config, cache: Cache, saved: Definition, live: Bindings) -> Bindings | None:
    """Return the saved bindings if the gateway's would change what is sent and nobody accepted that; else None."""
    try:
        old = _compile(config, cache, saved, saved.url)
        changed = tidy("; ".join(changes(old, live)))
    except (WsdlError, ValueError):
        # The saved definition cannot be used (any more), so there is nothing to keep.
        return None
    if not changed:
        return None
    if config.wsdl_accept_changes:
        logger.info("the definition of %s has changed since %s: %s", saved.url, _format_time(saved), changed)
        return None
    logger.warning(
        "the definition of %s would change what is sent, so the one saved on %s is still used: %s. "
        "If the change is right, accept it: wsdl_accept_changes=True, or: jzysoap wsdl fetch --accept",
        saved.url,
        _format_time(saved),
        changed,
    )
    return old


def _warn_of_saved(saved: Definition, why: str) -> None:
    logger.warning(
        "using the definition of %s saved on %s, since the gateway's cannot be fetched: %s",
        saved.url,
        _format_time(saved),
        why,
    )


def _format_time(definition: Definition) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(definition.fetched_at))


def _to_json(definition: Definition) -> dict[str, Any]:
    return {
        "url": definition.url,
        "fetched_at": definition.fetched_at,
        "documents": {url: base64.b64encode(document).decode() for url, document in definition.documents.items()},
    }


def _from_json(data: Any) -> Definition | None:
    try:
        documents = {url: base64.b64decode(document, validate=True) for url, document in data["documents"].items()}
        definition = Definition(data["url"], documents, float(data["fetched_at"]))
        return definition if definition.url in documents and 0 <= definition.fetched_at < _FAR_FUTURE else None
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return None
