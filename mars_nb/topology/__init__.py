"""What the user drew and what it means: nodes, edges and rules as frozen data.

A topology can be written as text, as a dict, as objects or as a pattern; all of them become one ``Topology``, and a
``TopologyGraph`` is that topology with look-ups. Pure: no clock, no files, no loop.
"""

from __future__ import annotations
