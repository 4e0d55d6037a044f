"""DukeMTMC-VideoReID with stored keypoints; clips and batches as on MARS."""

_base_ = './mars.py'

_data = dict(type='DukeMTMCVideoReID', data_root='data/dukemtmc-videoreid')
train_dataloader = dict(dataset=_data)
val_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)

# Query and gallery are two folders.
val_evaluator = dict(protocol='query-excluded')
test_evaluator = val_evaluator
