"""`python -m boardproof` is the command `boardproof`."""

import sys

from boardproof_host.commands.main import main

sys.exit(main())
