"""Pauses between attempts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from active_data_flow.core.errors import ActiveDataFlowError, Then
from active_data_flow.core.policies import RetryPolicy


@dataclass(slots=True)
class Backoff:
    """Counts attempts without progress and says how long to pause.

    Exponential with full jitter, so that many flows that lost the same database don't come back at once
    (M. Brooker, "Exponential Backoff And Jitter", 2015); half of the pause is kept as a floor.
    """

    policy: RetryPolicy
    attempt: int = 0
    random: random.Random = field(default_factory=random.Random)

    def progressed(self) -> None:
        """Something was committed: count anew."""
        self.attempt = 0

    def pause_after(self, error: ActiveDataFlowError) -> float | None:
        """Seconds to pause before the next attempt; None where there must be none."""
        self.attempt += 1
        if error.then is not Then.RETRY or self.attempt >= self.policy.attempts:
            return None
        ceiling = min(self.policy.max_backoff, self.policy.backoff * 2 ** (self.attempt - 1))
        return ceiling / 2 + self.random.uniform(0, ceiling / 2)


__all__ = ["Backoff"]
