"""What the stories are told with: real processes, and clients that are not ours."""

from .attached import Attached
from .cloud import Cloud
from .debugger import Debugger
from .inspector import Inspector
from .layer import Layer
from .local import Local
from .packages import Bucket, Stack
from .processes import Process
from .project import Project
from .sessions import HandMadeSession
from .surroundings import EXAMPLE, tether

__all__ = [
    "EXAMPLE",
    "Attached",
    "Bucket",
    "Cloud",
    "Debugger",
    "HandMadeSession",
    "Inspector",
    "Layer",
    "Local",
    "Process",
    "Project",
    "Stack",
    "tether",
]
