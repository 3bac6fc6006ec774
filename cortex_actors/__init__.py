"""Cortex Actors: a streaming gateway for language models on supervised Pykka actors.

The package is a ladder of layers; each module may import its own package and the rows below it
(`tests/test_layers.py` holds the list). Nothing is re-exported here: import a name from where it lives.
"""

__version__ = "0.1.0"
