"""`python3 -m v6.doctor [--json] [--quick]`: the doctor where `v6` itself cannot start: it needs no library."""

import argparse
import os
import sys
from collections.abc import Sequence

from v6.doctor import report
from v6.doctor.examine import examine
from v6.doctor.patient import Patient
from v6.paths import Paths


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m v6.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.add_argument("--quick", action="store_true", help="leave out TWS and the self-test of the libraries")
    options = parser.parse_args(arguments)
    patient = Patient(Paths.locate(), os.environ, quick=options.quick)
    found = []
    for one in examine(patient):
        found.append(one)
        if not options.json:
            sys.stdout.write(f"{report.line(one)}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{report.as_json(found) if options.json else report.summary(found)}\n")
    return report.exit_code(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
