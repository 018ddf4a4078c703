"""What the broker does, one verb per file: each loads, lets the core decide, and commits.

No SDK, no FastAPI.
"""
