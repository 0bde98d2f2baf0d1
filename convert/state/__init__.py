"""What the Responses API (and stored Chat completions) want remembered, over any upstream.

`memory` opens the database and knows the tenant's horizon; `turn` is one response in the making: its history is read,
its request made whole, its answer recorded; `recorder` writes what grows, and finds what was left behind.
"""
