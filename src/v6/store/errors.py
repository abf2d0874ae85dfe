"""What can go wrong in the lake, by what the caller should do about it."""

from v6.model import FatalError, RecoverableError


class LakeError(FatalError):
    """What was to be written or read does not fit the table: names the table, the column and the value."""


class LakeBusyError(RecoverableError):
    """Another writer held the table, or won every commit, for longer than this run may wait."""


class LakeUnavailableError(RecoverableError):
    """The place the lake lives in refused: disk full, no permission, object store away."""
