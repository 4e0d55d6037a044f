"""PRID-2011 with stored keypoints, the first of its ten splits; all else as on iLIDS-VID."""

_base_ = './ilids_vid.py'

_data = dict(type='PRID2011', data_root='data/prid2011')
train_dataloader = dict(dataset=_data)
val_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)
