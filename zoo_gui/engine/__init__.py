"""The worker process that plays and analyses, and the handle that a front end holds."""
