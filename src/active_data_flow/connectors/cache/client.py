"""A cache of the project, open: hands entries over, and finds out which of them it has not taken."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Any, Literal

from active_data_flow.connectors.cache.backends import Backend, backend_of, traits_of
from active_data_flow.connectors.cache.failures import RefusedError, translated
from active_data_flow.connectors.cache.limits import Limits
from active_data_flow.core.django_setup import set_up_django
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError, SinkError, SinkUnavailableError

_TRIES = 3
_MEMCACHED_KEY = 250
_MEMCACHED_VALUE = 2**20 - 512
"""Of 1 MiB the key and what Memcached notes down of an entry take a little."""
_LAST_SECOND = 2**31 - 1
_MARGIN = 2.0
"""Seconds; databases keep the end of a life in whole ones."""


class Cache:
    """One of the project's caches, by a connection of its own. Used by one thread at a time.

    Args:
        alias: Its name in ``CACHES``.
        backend: The open backend.
    """

    def __init__(self, alias: str, backend: Backend) -> None:
        self.alias = alias
        self.kind = type(backend).__name__
        self._backend = backend
        self._traits = traits_of(backend)

    @property
    def is_remote(self) -> bool:
        """Whether it is a server, which works while we do something else."""
        return self._traits.redis or self._traits.memcached

    @property
    def limits(self) -> Limits:
        """What it takes of keys and values."""
        if not self._traits.memcached:
            return Limits()
        return Limits("Memcached", _MEMCACHED_KEY, _MEMCACHED_VALUE, self._backend.make_key)

    def time_to_live(self, wanted: float | Literal["never"] | None) -> int | None:
        """Seconds that entries live, None: for ever; without a wish as long as the alias says.

        Raises:
            ConfigurationError: The alias's ``TIMEOUT`` is to keep nothing.
        """
        if wanted is not None:
            return None if wanted == "never" else int(wanted)
        timeout: float | None = self._backend.default_timeout
        if timeout is not None and timeout < 1:
            message = f"the cache {self.alias} has TIMEOUT {timeout}, which keeps nothing; say expires_in"
            raise ConfigurationError(message)
        return None if timeout is None else int(timeout)

    def set_many(self, entries: dict[str, Any], seconds: int | None) -> dict[str, str]:
        """Hand over entries.

        Args:
            entries: Key -> value.
            seconds: How long they live; None: for ever.

        Returns:
            Keys of entries that the cache does not take -> why not. All others are there.

        Raises:
            SinkUnavailableError: It can't be reached, or takes nothing at all.
            SinkError: It fails for good.
        """
        refused: dict[str, str] = {}
        waiting = [entries]
        while waiting:
            part = waiting.pop()
            try:
                refused |= self._set_patiently(part, seconds)
            except RefusedError as error:
                if len(part) == 1:
                    refused |= dict.fromkeys(part, error.message)
                else:
                    waiting += _halves(part)
        return refused

    def probe(self) -> bool:
        """Whether an entry can be written and read; leaves nothing behind."""
        key, value = f"adf-probe-{secrets.token_hex(8)}", secrets.token_hex(4)
        with self._translating():
            self._backend.set(key, value, 60)
            found: Any = self._backend.get(key)
            self._backend.delete(key)
        return found == value

    def try_out(self) -> None:
        """Write an entry, read it, and delete it again.

        Raises:
            SinkUnavailableError: It can't be reached.
            SinkError: It does not keep what is written to it.
        """
        if not self.probe():
            raise SinkError(f"the cache {self.alias} ({self.kind}) takes entries and does not have them afterwards")

    def require_table(self) -> None:
        """Of a cache in a database: make sure that its table is there.

        Raises:
            SinkError: It is not.
        """
        if not self._traits.database:
            return
        from django.db import connections, router

        with self._translating():
            connection = connections[router.db_for_write(self._backend.cache_model_class)]
            with connection.cursor() as cursor:
                tables = connection.introspection.table_names(cursor)
        table: str = self._backend._table  # noqa: SLF001  # nothing else tells it
        if table not in tables:
            message = f"the cache {self.alias}: there is no table {table}; run: python manage.py createcachetable"
            raise SinkError(message)

    def notes(self) -> list[str]:
        """What is worth knowing of it."""
        lines = [f"the cache {self.alias} ({self.kind}) was written to, read and cleaned up again"]
        traits = self._traits
        if traits.memory:
            lines.append("it is memory of this process alone: no other process sees it, and it ends with this one")
        if traits.memory or traits.files or traits.database:
            most: int = self._backend._max_entries  # noqa: SLF001  # likewise
            lines.append(f"it throws entries out when it has {most:,} of them (MAX_ENTRIES in its OPTIONS)")
        if not traits.tells:
            lines.append("entries are read back, since its backend does not tell what it failed to write")
        return lines

    def rest(self) -> None:
        """Let go of what this thread should not keep till the next entries come: a database's connection."""
        if self._traits.database:
            from django.db import close_old_connections

            close_old_connections()

    def close(self) -> None:
        """Disconnect."""
        self.rest()
        self._backend.close()
        if self._traits.redis:  # Django leaves its connections to the garbage collector
            for pool in self._backend._cache._pools.values():  # noqa: SLF001  # likewise
                pool.disconnect()

    def _set_patiently(self, entries: dict[str, Any], seconds: int | None) -> dict[str, str]:
        failed = entries
        for _ in range(_TRIES):
            failed = self._set(failed, seconds)
            if not failed:
                return {}
        if not self.probe():
            message = f"the cache {self.alias} takes nothing: {len(failed)} entries, and what was written to try it"
            raise SinkUnavailableError(message)
        thrown_out = "; its backend failed, or throws entries out at MAX_ENTRIES" if self._traits.database else ""
        return dict.fromkeys(failed, f"it was handed over {_TRIES} times, and is not there{thrown_out}")

    def _set(self, entries: dict[str, Any], seconds: int | None) -> dict[str, Any]:
        """Hand over entries; those that were not taken."""
        began = time.monotonic()
        with self._translating():
            with self._transaction():
                failed = self._backend.set_many(entries, self._lifetime(seconds))
            if not failed and not self._traits.tells:
                found: dict[str, Any] = self._backend.get_many(entries)
                there = time.monotonic() - began + _MARGIN
                if seconds is None or seconds > there:  # else they may have been there, and be gone again
                    failed = [key for key, value in entries.items() if not _is_there(found, key, value)]
        return {key: entries[key] for key in failed or ()}

    def _transaction(self) -> AbstractContextManager[Any]:
        """Of a cache in a database: one for a piece, in place of one for each entry."""
        if not self._traits.database:
            return nullcontext()
        from django.db import router, transaction

        return transaction.atomic(using=router.db_for_write(self._backend.cache_model_class))

    def _lifetime(self, seconds: int | None) -> int | None:
        """Memcached counts in 31 bits: what were to live beyond would be gone at once."""
        if seconds is None or not self._traits.memcached:
            return seconds
        return None if time.time() + seconds >= _LAST_SECOND else seconds

    @contextmanager
    def _translating(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> ActiveDataFlowError:
        if isinstance(error, OSError):
            # of files: a disk that is full, a folder that is not ours; of all others: the network
            kind = SinkError if self._traits.files else SinkUnavailableError
            return kind(f"the cache {self.alias}: {type(error).__name__}: {error}")
        return translated(error, self.alias)


def open_cache(alias: str) -> Cache:
    """A connection to one of the project's caches.

    Raises:
        ConfigurationError: There is no project, no such alias, or its backend can't be made.
        SinkUnavailableError: The database that it is in can't be reached.
        SinkError: Its table or folder is not there, or it keeps nothing.
    """
    set_up_django("cache sink")
    cache = Cache(alias, backend_of(alias))
    try:
        cache.require_table()
    except BaseException:
        cache.close()
        raise
    return cache


def _is_there(found: Mapping[str, Any], key: str, value: Any) -> bool:
    """Whether a value was read back; of others than texts and bytes, which need not be equal to themselves: any."""
    return key in found and (found[key] == value or not isinstance(value, str | bytes))


def _halves(entries: dict[str, Any]) -> list[dict[str, Any]]:
    items = iter(entries.items())
    return [dict(islice(items, len(entries) // 2)), dict(items)]


__all__ = ["Cache", "open_cache"]
