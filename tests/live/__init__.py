"""The real daemon in a process of its own, between real callers and a scripted upstream, in both modes."""
