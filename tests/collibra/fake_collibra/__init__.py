# SPDX-License-Identifier: Apache-2.0
"""A fake Collibra for tests; ../README.md says what it is made from and what it does not cover."""
from .fake import FakeCollibra

__all__ = ["FakeCollibra"]
