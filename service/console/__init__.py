"""The web console: static files, and the one router that serves them."""
