"""What every run shares: scope, hooks, environment, logging."""

default_scope = 'mmctl'
# mmctl.engine also mends what the pinned MMEngine and torch disagree on.
custom_imports = dict(imports=['mmctl.registry', 'mmctl.engine'])

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    logger=dict(type='LoggerHook', interval=20),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook',
        interval=10,
        max_keep_ckpts=3,
        save_best='reid/mAP',
        rule='greater',
    ),
)
custom_hooks = [
    # Batch norm statistics drift apart between ranks; average them before they are used.
    dict(type='SyncBuffersHook'),
    # Config against data, before the first batch.
    dict(type='NumClassesHook'),
    dict(type='QueryMatchHook'),
    dict(type='CheckpointMatchHook'),
    dict(type='FiniteLossHook'),
    # What --resume goes on from within an epoch.
    dict(type='SnapshotHook', minutes=10),
    # What the log and the report of the run show beside the losses.
    dict(type='GradNormHook'),
    dict(type='FrameRateHook'),
    dict(type='RunReportHook'),
]

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Seconds that a process waits for one that hangs; the first evaluates alone meanwhile.
    # With gloo, one that dies is noticed at once.
    dist_cfg=dict(backend='nccl', timeout=1800),
)
randomness = dict(seed=0)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='Visualizer', vis_backends=vis_backends)
log_processor = dict(
    type='LogProcessor',
    window_size=20,
    by_epoch=True,
    # Logged as the mean over the window; other values as they were last.
    mean_pattern=r'.*(loss|time|grad_norm|active_triplets|clamped_degrees|attention_entropy).*',
)
log_level = 'INFO'
load_from = None
resume = False
