"""The parts of the doctor's command line."""
