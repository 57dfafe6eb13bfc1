"""What the orchestration itself costs: agents that do nothing, measured against asyncio that does nothing else.

``python -m benchmarks`` prints a table (`README.md` says how to read it). A workload lives in `workloads` or `costs`,
the team that it runs in `team`, the bare-asyncio work that it is divided by in `floor`, what it may cost in `target`,
and how it is measured in `harness`.
"""
