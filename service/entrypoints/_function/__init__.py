"""What doors that are Lambda functions have in common."""
