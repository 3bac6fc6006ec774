"""The OpenAI surface, piece by piece and through the whole application."""
