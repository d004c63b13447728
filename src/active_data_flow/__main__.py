"""``python -m active_data_flow`` is the command ``adf``."""

import sys

from active_data_flow.cli import program

sys.exit(program())
