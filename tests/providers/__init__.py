"""Tests of the provider dialects; `golden` holds request bodies and recorded answers."""
