"""Tests mirror the packages of `cortex_actors`; `upstream` is the fake provider they share."""
