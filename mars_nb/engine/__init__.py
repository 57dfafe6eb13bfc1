"""The pure heart: events in, events out.

`machine` holds the three functions that everything rests on. ``evolve(state, event)`` is the only writer of the
state; ``route(state, event)`` says what a reply means; ``settle(state)`` says what follows from where everybody
stands. Nothing here knows a clock, a file, a thread, an event loop or Jupyter, so a run can be replayed, tested and
explained by feeding events.
"""
