"""Runs pytest with everything patched for gevent, before anything else is imported.

python -m tests.run_gevent tests/otp
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

import pytest  # noqa: E402

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
