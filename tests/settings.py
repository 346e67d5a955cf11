"""Settings of the tests: the ordinary ones, with both roles, no pool, and a password hash that costs nothing."""

import os

os.environ["YUNLIAN_ENV"] = "test"
# The browser's driver keeps an event loop in the process of its tests; ours never touch the database from one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

from yunlian.edge.settings import *  # noqa: F403  (the environment must be set first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
