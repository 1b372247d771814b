"""What an agent is and where it comes from."""
