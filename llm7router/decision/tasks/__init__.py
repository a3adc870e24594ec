"""Which task a prompt asks for and how hard it is, from the messages alone. Pure."""

from llm7router.decision.tasks.detect import Detector, Found
from llm7router.decision.tasks.effort import band

__all__ = ["Detector", "Found", "band"]
