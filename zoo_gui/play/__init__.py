"""What an agent plays in."""
