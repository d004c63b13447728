"""What happens to records that can't be used: the flow's error policy, applied in one place."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from active_data_flow.core.batch import Reject
from active_data_flow.core.errors import RecordError, RejectLimitError
from active_data_flow.core.policies import ErrorPolicy

_SHARE_FROM = 1000


class RejectPolicy:
    """Lets rejects pass within the policy's limits, or fails the run. Shared by all lanes of a run.

    Args:
        policy: The flow's policy.
        on_reject: Told of each reject that passes.
    """

    def __init__(self, policy: ErrorPolicy, on_reject: Callable[[Reject], None]) -> None:
        self._policy = policy
        self._on_reject = on_reject
        self._lock = threading.Lock()
        self._reasons: Counter[str] = Counter()
        self._rejected = 0
        self._read = 0

    def begin_attempt(self, rejected: int, read: int) -> None:
        """Count on from what is committed: what an attempt that failed has seen is seen again."""
        with self._lock:
            self._rejected = rejected
            self._read = read

    def accept(self, reject: Reject) -> None:
        """Let a reject pass.

        Raises:
            RecordError: The policy is to fail at the first.
            RejectLimitError: It is one too many.
        """
        if not self._policy.reject:
            message = f"{reject.error}; to set such records aside and go on: on_error: {{reject: true}}"
            raise RecordError(message, field=reject.field, split=reject.split_id) from reject.cause
        with self._lock:
            self._rejected += 1
            self._reasons[_kind(reject)] += 1
            self._check(reject)
        self._on_reject(reject)

    def read(self, records: int) -> None:
        """Count records read, for the share."""
        with self._lock:
            self._read += records

    def check_share(self) -> None:
        """Look at the share of rejects; called after each batch.

        Raises:
            RejectLimitError: It is too large.
        """
        share = self._policy.max_reject_share
        with self._lock:
            if share is None or self._read < _SHARE_FROM or self._rejected <= share * self._read:
                return
            message = f"{self._rejected} of {self._read} records were rejected, more than max_reject_share {share:g}"
        raise RejectLimitError(f"{message}: {self._summary()}")

    def _check(self, reject: Reject) -> None:
        limit = self._policy.max_rejects
        if limit is not None and self._rejected > limit:
            message = (
                f"more than max_rejects {limit} records were rejected: {self._summary()}; the last: {reject.error}"
            )
            raise RejectLimitError(message)

    def _summary(self) -> str:
        return ", ".join(f"{count} x {reason}" for reason, count in self._reasons.most_common(3))


def _kind(reject: Reject) -> str:
    return f"{reject.error_type} in {reject.field}" if reject.field else f"{reject.error_type} at {reject.stage}"


__all__ = ["RejectPolicy"]
