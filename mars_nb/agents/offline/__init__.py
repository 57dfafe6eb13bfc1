"""The offline model: what answers where nobody configured a model, without a key, a download or a network.

One module for each thing it does: it reads a request (`brief`, `roles`), knows sentences and words (`words`) and which
of them matter (`textrank`), writes summaries, reports, plans and reviews, calls tools (`calls`, `filling`, `evidence`,
`schema`) and finds whom to hand over to (`routing`, `moves`). All of it is plain Python and pure: no clock, no chance.
"""

from __future__ import annotations

from mars_nb.agents.offline.model import ABOUT, NAME, OfflineModel

__all__ = ["ABOUT", "NAME", "OfflineModel"]
