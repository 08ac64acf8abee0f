"""django-redis against the server on the port that is given: its cache, and its locks, which are scripts."""

import sys

from django.conf import settings

settings.configure(
    CACHES={
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{sys.argv[1]}/0",
            "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"},
        }
    }
)

from django.core.cache import cache  # noqa: E402
from redis.exceptions import LockError  # noqa: E402

cache.clear()
assert cache.set("user", {"name": "ada"}, timeout=60)
assert cache.get("user") == {"name": "ada"}
assert 50 < cache.ttl("user") <= 60
assert not cache.add("user", "grace")
assert cache.touch("user", 120) and cache.ttl("user") > 60
assert cache.persist("user") and cache.ttl("user") is None
cache.set("visits", 1)
assert cache.incr("visits", 2) == 3 and cache.decr("visits") == 2
cache.set_many({"page:1": "a", "page:2": "b"})
assert cache.get_many(["page:1", "nosuch", "page:2"]) == {"page:1": "a", "page:2": "b"}
assert sorted(cache.keys("page:*")) == ["page:1", "page:2"]
assert cache.delete_pattern("page:*") == 2

lock = cache.lock("job", timeout=30, blocking_timeout=0)
other = cache.lock("job", timeout=30, blocking_timeout=0)
assert lock.acquire() and not other.acquire()
assert lock.extend(30) and lock.reacquire() and lock.owned()
try:
    other.release()
except LockError:
    pass
else:
    raise AssertionError("a lock was released that another one holds")
lock.release()
with other:
    assert cache.get("user") == {"name": "ada"}
assert not other.locked()
print("all of it works")
