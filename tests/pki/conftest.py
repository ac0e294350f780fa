"""What is compared with needs the peer."""

import pytest

pytest.importorskip("cryptography", reason="the extra `serve` is not installed")
