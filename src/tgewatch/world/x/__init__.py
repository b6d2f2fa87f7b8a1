"""A stand-in for X, made from its documentation; shares no code with the client."""

from tgewatch.world.x.fake import Answer, AnswerLostError, FakeX
from tgewatch.world.x.faults import Faults
from tgewatch.world.x.posts import Account, Archive, Post
from tgewatch.world.x.service import Product

__all__ = ["Account", "Answer", "AnswerLostError", "Archive", "FakeX", "Faults", "Post", "Product"]
