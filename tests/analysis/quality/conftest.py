"""The frames that these tests share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # hand_made, recorded_frames, whatever the import mode
