import warnings

from mmctl.engine.repairs.needless_warning import silence_needless_warning


def test_mmcv_does_not_ask_a_user_for_operators_that_nothing_needs():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        silence_needless_warning()
        text = "Fail to import ``MultiScaleDeformableAttention`` from ``mmcv``"
        warnings.warn(text, stacklevel=1)
        warnings.warn("something else", stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["something else"]
