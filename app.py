"""The application, for `flask run` and `gunicorn app:app`. `gunicorn --paste wsgi.ini` sees the same settings."""

import os
from pathlib import Path

from convert import start

app = start(Path(os.environ.get("CONVERT_INI") or Path(__file__).with_name("wsgi.ini")))
