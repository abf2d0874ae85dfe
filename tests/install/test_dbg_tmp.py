import signal, os, time
from .conftest import *
def test_dbg(site):
    there = site("Etc/UTC")
    with there.host.cron(QUIET):
        process = there.start()
        print("start", process.poll(), there.probing(), os.listdir(there.host.cron_d), there.file.exists())
        kids=Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        print(kids, [Path(f"/proc/{k}/cmdline").read_bytes() for k in kids])
        there.end(process, signal.SIGTERM)
        print(process.communicate(timeout=20)[0][-300:], process.returncode)
        print(os.listdir(there.host.cron_d), os.listdir(there.host.folder/"etc/logrotate.d"), os.path.exists(there.host.folder))
    assert 0
