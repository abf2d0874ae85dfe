"""What every step of a run needs to know: its home and log folder, the compiled task, its slot (None by hand), its day
log, the journal, and the settings of the schedule in force. Standard library only."""

from collections import namedtuple

Run = namedtuple("Run", "home log_directory task slot log db settings")
