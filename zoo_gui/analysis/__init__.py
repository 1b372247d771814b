"""One module per question asked of an agent; each analysis is a generator."""
