"""`python -m boardproof_host` is the command `boardproof`."""

import sys

from boardproof_host.cli import main

sys.exit(main())
