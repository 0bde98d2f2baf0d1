"""The application, for `flask run` and `gunicorn app:app`."""

from convert import application

app = application()
