"""The JSON API: one file a resource, the shapes of what goes in and out in `schemas`.

Each request passes `access.Token` (address, token, rate, scope), which belongs to each operation; what is refused, and
whatever goes wrong, becomes an answer of one shape (`failures`). Lists go on by cursors and never count (`paging`).
"""
