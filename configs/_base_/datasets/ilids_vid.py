"""iLIDS-VID with stored keypoints, the first of its ten splits; clips and batches as on MARS."""

_base_ = './mars.py'

_data = dict(type='ILIDSVID', data_root='data/ilids-vid', fold=0)
train_dataloader = dict(dataset=_data)
val_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)

# Camera 1 queries camera 2, where each person has one tracklet.
val_evaluator = dict(protocol='cross-camera')
test_evaluator = val_evaluator
