"""What is given away says on what terms."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from tests.checkout import ROOT

TEXT = (ROOT / "llm7router" / "LICENSE").read_text()


@pytest.mark.slow
def test_wheel_and_source_archive_carry_the_licence(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    (source,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        about = archive.read(name).decode()
        theirs = archive.read(name.replace("METADATA", "licenses/llm7router/LICENSE")).decode()
    with tarfile.open(source) as archive:
        (name,) = [each for each in archive.getnames() if each.endswith("/llm7router/LICENSE")]
        file = archive.extractfile(name)
        assert file is not None
        assert file.read().decode() == theirs == TEXT
    assert "License-Expression: MIT\nLicense-File: llm7router/LICENSE\n" in about
    assert "Copyright (c) 2026 the llm7router authors" in TEXT
