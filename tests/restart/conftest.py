"""What tests of the gateway and of restarts share can be imported, whatever the import mode."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "gateway")]  # restart_support, gateway_support
