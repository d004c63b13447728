"""What the errors of caches mean: by name, as the libraries behind a cache need not be installed."""

from __future__ import annotations

from active_data_flow.core.errors import ActiveDataFlowError, SinkError, SinkUnavailableError


class RefusedError(SinkError):
    """The cache does not take what it was given; it may take other entries."""


_UNAVAILABLE = {
    "builtins.ConnectionError",
    "builtins.TimeoutError",
    "django.db.utils.InterfaceError",
    "django.db.utils.OperationalError",
    "django_redis.exceptions.ConnectionInterrupted",
    "pylibmc._pylibmc.HostLookupError",
    "pylibmc._pylibmc.ServerDead",
    "pylibmc._pylibmc.ServerDown",
    "pymemcache.exceptions.MemcacheUnexpectedCloseError",
    "redis.exceptions.ConnectionError",
    "redis.exceptions.OutOfMemoryError",
    "redis.exceptions.ReadOnlyError",
    "redis.exceptions.TimeoutError",
    "socket.gaierror",
}
_REFUSED = {
    "django.core.cache.backends.base.InvalidCacheKey",
    "django.db.utils.DataError",
    "pymemcache.exceptions.MemcacheClientError",
    "pymemcache.exceptions.MemcacheServerError",
    "redis.exceptions.DataError",
}
_FOR_GOOD = {"redis.exceptions.AuthenticationError"}
"""What a library derives from what may pass, and does not."""


def translated(error: Exception, alias: str) -> ActiveDataFlowError:
    """The error of ours that says what to do about an error of a cache."""
    if isinstance(error, ActiveDataFlowError):
        return error
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    message = f"the cache {alias}: {type(error).__name__}: {error}"
    if names & _FOR_GOOD:
        return SinkError(message)
    if names & _UNAVAILABLE:
        return SinkUnavailableError(message)
    return RefusedError(message) if names & _REFUSED else SinkError(message)


__all__ = ["RefusedError", "translated"]
