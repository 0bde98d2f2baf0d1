"""Background responses: accepted at once, made later, by threads of the web process or by workers of their own.

The queue (huey) carries ids only; the truth is in the database. Who takes a response off the queue claims its row, and
a response that got lost on the way is found by its row.
"""
