"""`python -m yunlian <command>`: one program, roles by command."""

import sys

from yunlian.edge.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
