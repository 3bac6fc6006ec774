"""The command line under gevent: patches the standard library before anything else is imported, then runs it.

`cortex serve` replaces itself by this module when the mode is `gevent`, because modules that were imported
before the patch would keep real threads and locks, and mixing those with greenlets loses wake-ups.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402  # by design after the patch

from cortex_actors.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
