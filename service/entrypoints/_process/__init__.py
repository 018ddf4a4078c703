"""What every process that holds links does with its loop, its memory and its descriptors."""
