"""Parts of the local door: the machine that runs everything side by side, its loops, its web server."""
