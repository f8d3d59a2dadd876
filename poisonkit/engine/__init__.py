"""From a plan to a finished output. What happens to a clip is `clips/`, where it runs `executors/`, what is done and
left to do `state/`, how an encoding is searched `encoding/`, what a run will cost `costs/`, and what is written when
all clips are done `finishing/`.
"""
