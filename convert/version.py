"""The version of the project, as clients and upstreams see it."""

VERSION = "0.1.0"
