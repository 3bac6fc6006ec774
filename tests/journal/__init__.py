"""Journals: what they keep, who reads it, and how Redis gets it."""
