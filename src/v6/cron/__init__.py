"""The cron of this host: which one it is, its daemon's zone, our file in it, what that cron thinks of the file."""
