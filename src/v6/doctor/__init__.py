"""Everything that must hold on a host, each ok, failed or could_not_check, with its cure (`v6 doctor`)."""
