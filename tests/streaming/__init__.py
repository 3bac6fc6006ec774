"""Tests of `cortex_actors.streaming`: every decoder must not care where its bytes are cut."""
