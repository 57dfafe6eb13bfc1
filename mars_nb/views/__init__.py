"""Views: everything a person sees of a run, each a pure function of its history.

A `history.History` is a topology, the state that its events fold to, and the journal that knows when each was
written. From it come the result (`result`), the answer (`answer`), the tables (`frames`), what each node shows
(`nodes`), when who did what (`bars`), and the pictures (`picture`, `gantt`, `charts`).
"""
