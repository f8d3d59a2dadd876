# How long and how fast to train: the same for every model, clean or poisoned.

epochs = 10
rate = 0.004
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=epochs)
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(optimizer=dict(type="AdamW", lr=rate, weight_decay=0.01))
param_scheduler = [dict(type="OneCycleLR", eta_max=rate, total_steps=epochs, by_epoch=True, convert_to_iter_based=True)]

default_scope = "mmaction"
default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", interval=epochs, save_optimizer=False),
    logger=dict(type="LoggerHook", interval=50, ignore_last=False),
)
log_processor = dict(type="LogProcessor", window_size=50, by_epoch=True)
