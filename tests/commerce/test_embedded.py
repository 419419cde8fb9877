"""What an installation makes for itself at its first start."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from commerce import embedded


def test_all_who_come_first_get_one_secret_that_only_its_owner_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KONTOR_DATA_DIR", str(tmp_path))
    with ThreadPoolExecutor(16) as pool:
        made = {future.result() for future in [pool.submit(embedded.development_secret) for _ in range(64)]}
    (secret,) = made
    assert len(secret) >= 50
    assert embedded.development_secret() == secret
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
