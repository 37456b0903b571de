# SPDX-License-Identifier: BSD-3-Clause
"""--whole lets every allocation fail."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("matrix_conftest", Path(__file__).resolve().parents[1] / "matrix/conftest.py")
_matrix = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_matrix)
pytest_addoption = _matrix.pytest_addoption
