"""The single table.

Its schema, the shape of every item, and the store methods, written once for both drivers.

A driver (`service.adapters.dynamodb`, `service.adapters.embedded`) only moves items. Nothing here
imports an SDK.
"""
