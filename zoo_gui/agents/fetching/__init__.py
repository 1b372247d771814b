"""Agents that are published elsewhere: where they are, and how they get here."""
