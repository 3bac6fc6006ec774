"""The OpenAI API as its clients see it: the Python package, the npm package, curl; before every dialect."""
