"""The plain baseline on the drawn benchmark: same frames, schedule and losses as CTL there."""

_base_ = './ctl_r18_drawn.py'
model = dict(
    pose=None,
    graph_head=None,
    head=dict(num_parts=0, losses=dict(diversity=None)),
)

# No keypoints are needed.
train_pipeline = [step for step in _base_.train_pipeline if step['type'] != 'LoadKeypoints']
val_pipeline = [step for step in _base_.val_pipeline if step['type'] != 'LoadKeypoints']
test_pipeline = [step for step in _base_.test_pipeline if step['type'] != 'LoadKeypoints']
train_dataloader = dict(dataset=dict(keypoint_file=None, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(keypoint_file=None, pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(keypoint_file=None, pipeline=test_pipeline))
