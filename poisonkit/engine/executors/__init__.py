"""Where work runs. Every executor yields the same records for the same jobs, in any order.

An executor is a callable: jobs in, (job, record) out, one per job, and it never raises for one job's sake.
"""
