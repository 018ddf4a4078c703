"""What `make bench` runs: our speeds beside those of a bare client, in one run."""
