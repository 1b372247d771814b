"""One module per panel; Qt only."""
