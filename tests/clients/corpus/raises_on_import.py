import logging


def fail():
    raise ValueError("while loading")


logging.error("before")
print("printed before")
fail()
