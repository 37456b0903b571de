# SPDX-License-Identifier: BSD-3-Clause
"""Whatever happens to one call, an operation leads to the same end as an undisturbed run."""

from matrix import WORKERS, matrix


def test_every_fault_is_outlasted(request):
    option = request.config.getoption
    outcomes = matrix(option("--whole"), option("--workers") or WORKERS, option("--only"))
    wrong = [f"{o.case}: {o.trouble}" for o in outcomes if o.trouble]
    assert not wrong, "\n".join(wrong)
    assert sum(o.reached for o in outcomes) > len(outcomes) * 0.9, "most faults must be reached"
