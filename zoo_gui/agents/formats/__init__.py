"""One module per checkpoint format: bytes to named arrays."""
