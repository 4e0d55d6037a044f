"""LS-VID with stored keypoints; clips and batches as on MARS."""

_base_ = './mars.py'

_data = dict(type='LSVID', data_root='data/ls-vid')
train_dataloader = dict(dataset=_data)
val_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)

# The published gallery of 7829 tracklets is without the queries.
val_evaluator = dict(protocol='query-excluded')
test_evaluator = val_evaluator
