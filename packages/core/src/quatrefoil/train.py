"""`accelerate launch -m quatrefoil.train RECIPE key=value ...`: the same as `quatrefoil train`, under any launcher."""

import sys

from quatrefoil.core.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
