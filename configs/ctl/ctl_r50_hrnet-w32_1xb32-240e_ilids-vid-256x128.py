"""CTL on iLIDS-VID with online keypoints, the first of its ten splits."""

_base_ = [
    '../_base_/models/ctl_r50_hrnet-w32.py',
    '../_base_/datasets/ilids_vid.py',
    '../_base_/schedules/adam_240e.py',
    '../_base_/default_runtime.py',
]
model = dict(head=dict(num_classes=150))

train_pipeline = [step for step in _base_.train_pipeline if step['type'] != 'LoadKeypoints']
val_pipeline = [step for step in _base_.val_pipeline if step['type'] != 'LoadKeypoints']
test_pipeline = [step for step in _base_.test_pipeline if step['type'] != 'LoadKeypoints']
train_dataloader = dict(dataset=dict(keypoint_file=None, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(keypoint_file=None, pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(keypoint_file=None, pipeline=test_pipeline))
