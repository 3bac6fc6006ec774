"""The tests of rate limits."""
