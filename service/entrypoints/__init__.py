"""The doors: each makes settings, ports and use cases, and hands over.

Nothing else happens here.
"""
