"""Parts of the local door: what runs everything side by side, its loops, its web server."""
