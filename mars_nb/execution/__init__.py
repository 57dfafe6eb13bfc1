"""The thin async shell: it appends events, asks the engine what follows, and runs the steps that start.

`loop` holds the loop of a run; `branch` the jobs in which steps run; `step` how one agent is asked; `timers` the clock.
All that is asynchronous, and all that knows the time, is here.
"""
