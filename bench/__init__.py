"""Measures the checkout: whole servers under load (`python -m bench`), and conversions alone (`pytest bench`)."""
