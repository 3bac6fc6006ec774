"""The OpenAPI document says what is there, and no more."""
