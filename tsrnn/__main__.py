"""``python -m tsrnn`` is the ``tsrnn`` command."""

import sys

from tsrnn.cli import main

sys.exit(main())
