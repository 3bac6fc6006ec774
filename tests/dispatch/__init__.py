"""Tests of the gateway's own actors."""
