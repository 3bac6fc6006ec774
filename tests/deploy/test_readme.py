"""config/README.md: a line for every file there, and no line for a file that is gone."""

from __future__ import annotations

import re

from tests.deploy import CONFIG


def test_every_file_has_its_line() -> None:
    files = {str(file.relative_to(CONFIG)) for file in CONFIG.rglob("*") if file.is_file()}
    rows = re.findall(
        r"^\| `(.+?)` \| (.+) \|$", (CONFIG / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert {name for name, _ in rows} == files - {"README.md"}
