"""The drill: the wall over raw sockets, the judge on recorded outcomes, and both on the real daemon."""
