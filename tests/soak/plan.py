"""What will be sent and what will be killed, by the seed alone."""

import math
import random
from collections import namedtuple

# How often each is done in 10,000 invocations, and at least once.
# A receiver that is killed takes what it runs with it, and 20 s pass until that
# is known; the others cost an invocation each, if they hit one.
RATES = {
    "receiver": 6,
    "pause": 8,
    "cut": 12,
    "local": 50,
    "bootstrap": 50,
    "deployed": 30,
    "connect": 40,
    "manager": 12,
    "authorizer": 8,
}

# How long a receiver sleeps, in seconds: less and more than the wait for a claim (2).
PAUSES = (0.3, 4)

# Handlers of a few to some hundred milliseconds.
# Callers that the soak keeps busy, unless it is told otherwise.
MOST_IN_FLIGHT = 16

FUNCTIONS = {"Quick": (0.002, 0.02), "Steady": (0.05, 0.15), "Slow": (0.2, 0.5)}

# One in so many events is large, and one in so many answers: more than a message holds.
LARGE = 40
LARGE_SIZES = (150_000, 700_000)

Shot = namedtuple("Shot", "number kind luck pause")
Sent = namedtuple("Sent", "number id function seconds size answer")


def shots(seed, invocations):
    """What is done when this many have been sent, in order."""
    luck = random.Random(f"shots {seed}")
    planned = []
    for kind, rate in RATES.items():
        for _ in range(max(1, math.ceil(rate * invocations / 10_000))):
            number = int(invocations * luck.uniform(0.05, 0.9))
            planned.append(Shot(number, kind, luck.random(), luck.uniform(*PAUSES)))
    return sorted(planned)


def event(seed, number):
    luck = random.Random(f"event {seed} {number}")
    function = luck.choice(sorted(FUNCTIONS))

    def size():
        return luck.randint(*LARGE_SIZES) if luck.random() < 1 / LARGE else luck.randint(0, 200)

    name = f"{number}-{luck.randbytes(6).hex()}"
    return Sent(number, name, function, luck.uniform(*FUNCTIONS[function]), size(), size())


def text(name, size):
    """Does not compress to less than half."""
    return random.Random(name).randbytes(size // 2).hex()
