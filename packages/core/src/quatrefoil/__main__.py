"""`python -m quatrefoil ...` is `quatrefoil ...`, where scripts of the environment are not on the path."""

import sys

from quatrefoil.core.cli import main

if __name__ == "__main__":
    sys.exit(main())
