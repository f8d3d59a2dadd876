# Optimiser and runtime, the same for every model; how many epochs, video.py and audio.py say.

rate = 0.05
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(optimizer=dict(type="SGD", lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4))

default_scope = "mmaction"
default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=1, save_optimizer=False),
    logger=dict(type="LoggerHook", interval=100, ignore_last=False),
)
log_processor = dict(type="LogProcessor", window_size=100, by_epoch=True)
