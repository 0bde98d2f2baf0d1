"""Alembic's environment and the changes of the tables since the first one."""
