"""Values that are no numbers are found, whatever the precision."""

import pytest
import torch

from harness.statistics.finite import not_finite


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_one_value_that_is_none_is_found(value: float, dtype: torch.dtype) -> None:
    sound, broken = torch.ones(3, 4, dtype=dtype), torch.ones(3, 4, dtype=dtype)
    broken[1, 2] = value
    assert not_finite({"sound": sound, "broken": broken, "empty": torch.ones(0)}) == ["broken"]
