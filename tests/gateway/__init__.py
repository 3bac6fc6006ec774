"""The gateway as one thing: what its front end calls, in parts."""
