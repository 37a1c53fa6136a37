"""The place that builds the application: settings from the environment, then the command line."""

import os
import sys

from ringfence.cli.main import run
from ringfence.settings import Settings


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:], Settings.from_environment(os.environ)))
