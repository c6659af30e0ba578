"""Returns what the process looks like from inside."""

import os
import sys

loaded_by_the_client = sorted(sys.modules)


def handler(event, context):
    return {"path": sys.path, "cwd": os.getcwd(), "name": __name__}


def modules(event, context):
    return loaded_by_the_client


def boom(event, context):
    raise ValueError("with frames")
