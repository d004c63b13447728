"""What records of flows may not say. Code is the developer's; a record may come from whoever has a token.

A record refers to secrets by allowed names alone, names files under allowed folders alone, leads to public addresses
alone (or to allowed ones), and names code by nothing but registered names.
"""

from active_data_flow.runtimes.heartbeat.configuration_checks.checks import check_configuration, check_flow

__all__ = ["check_configuration", "check_flow"]
