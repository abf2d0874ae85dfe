"""The gate's --catch-up: a slot of the last day that was missed, decided and claimed as its line would have been."""

import pytest
from test_cron_wrapper import at, gate, ny_epoch, skips, stub_jobs

from toy_checkout import ToyCheckout

pytestmark = pytest.mark.integration

STATISTICS = "scripts/calculate_daily_statistics.py"
COLLECT = "scripts/collect_option_snapshots.py"
VALIDATE = "scripts/validate_positions.py"
