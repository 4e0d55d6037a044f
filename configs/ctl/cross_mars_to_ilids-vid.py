"""CTL trained on MARS and tested on iLIDS-VID, whose people and cameras it has never seen.

Training and validation are those of the base, so its checkpoints can be tested as well.
"""

_base_ = './ctl_r50_1xb32-240e_mars-256x128.py'
test_dataloader = dict(
    dataset=dict(type='ILIDSVID', data_root='data/ilids-vid', fold=0)
)
test_evaluator = dict(protocol='cross-camera')
