"""redis-py's client-side caches against the server on a port: random writes by one client, reads by two that
keep what they read. Fails when a value stays old."""

import random
import sys
import time

# The sources that carry redis-py's tests are an earlier one, without caches.
sys.path = [path for path in sys.path if "site-packages" in path or "redis" not in path]

import redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

PATIENCE_SECONDS = 20
# It asks for Redis 7.4, whose version is not what its cache needs.
CacheProxyConnection.MIN_ALLOWED_VERSION = "7.0.0"
port = int(sys.argv[1])
chance = random.Random(5)
writer = redis.Redis(port=port, protocol=3)
readers = [redis.Redis(port=port, protocol=3, cache_config=CacheConfig()) for _ in range(2)]
keys = [f"key:{n}" for n in range(30)]
last = {}


def check(reader, key):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while reader.get(key) != last.get(key):
        if time.monotonic() > deadline:
            sys.exit(f"{key} stays {reader.get(key)}, and is {last.get(key)}")


for round_number in range(400):
    key = chance.choice(keys)
    if chance.random() < 0.2 and key in last:
        writer.delete(key)
        del last[key]
    else:
        last[key] = str(round_number).encode()
        writer.set(key, last[key])
    for reader in readers:
        for read in chance.sample(keys, 10):
            reader.get(read)
        check(reader, key)
for reader in readers:
    for key in keys:
        check(reader, key)
writer.flushall()
last.clear()
for reader in readers:
    for key in keys:
        check(reader, key)
print(writer.info()["tracking_clients"], "clients track keys")
