"""Settings of the tests: the ordinary ones, with both roles, no pool, and a password hash that costs nothing."""

import os

os.environ["YUNLIAN_ENV"] = "test"

from yunlian.edge.settings import *  # noqa: F403  (the environment must be set first)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
