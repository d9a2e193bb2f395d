"""Trains the toy; rank 1 is killed when it comes to step 3. Run under a launcher."""

import os
import sys

from tests.core.toy import die_at, toy_run

if __name__ == "__main__":
    if os.environ["RANK"] == "1":
        die_at(3)
    toy_run(sys.argv[1:])
