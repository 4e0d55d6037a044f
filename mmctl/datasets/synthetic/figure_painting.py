"""A person in a picture, painted from far to near."""

from __future__ import annotations

from mmctl.datasets.synthetic import limbs, trunk
from mmctl.datasets.synthetic.appearance import Bag
from mmctl.datasets.synthetic.body_pose import LEFT_SHOULDER
from mmctl.datasets.synthetic.canvas import Canvas
from mmctl.datasets.synthetic.figure import Figure
from mmctl.datasets.synthetic.head import draw_head, draw_long_hair


def draw_figure(canvas: Canvas, figure: Figure) -> None:
    """Paint a person: far arm, legs, trunk, near arms, head; bag and long hair where they hang.

    Legs come before the trunk, or the round ends of the thighs would bulge over the shirt.
    """
    shoulders = figure.nearness[LEFT_SHOULDER : LEFT_SHOULDER + 2]
    far, near = (0, 1) if shoulders[0] < shoulders[1] else (1, 0)
    far_is_hidden = shoulders[far] < -0.035
    seen_from_front = figure.facing > 0
    carries_pack = figure.appearance.bag is Bag.BACKPACK
    if seen_from_front:
        draw_long_hair(canvas, figure)
    if far_is_hidden:
        limbs.draw_arm(canvas, figure, far, is_far=True)
    if carries_pack and seen_from_front:
        trunk.draw_backpack(canvas, figure)
    limbs.draw_leg(canvas, figure, far, is_far=far_is_hidden)
    limbs.draw_leg(canvas, figure, near, is_far=False)
    trunk.draw_pelvis(canvas, figure)
    trunk.draw_neck(canvas, figure)
    trunk.draw_torso(canvas, figure)
    if carries_pack and not seen_from_front:
        trunk.draw_backpack(canvas, figure)
    if not far_is_hidden:
        limbs.draw_arm(canvas, figure, far, is_far=False)
    limbs.draw_arm(canvas, figure, near, is_far=False)
    draw_head(canvas, figure)
    if not seen_from_front:
        draw_long_hair(canvas, figure)
