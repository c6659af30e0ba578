"""What the stories are told with: real processes, and clients that are not ours."""

from .attached import Attached
from .cloud import Cloud
from .debugger import Debugger
from .layer import Layer
from .processes import Process
from .project import Project
from .sessions import HandMadeSession
from .surroundings import EXAMPLE, tether

__all__ = [
    "EXAMPLE",
    "Attached",
    "Cloud",
    "Debugger",
    "HandMadeSession",
    "Layer",
    "Process",
    "Project",
    "tether",
]
