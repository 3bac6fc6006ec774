"""Measurements of what things cost; not tests, and no part of `bin/test`."""
