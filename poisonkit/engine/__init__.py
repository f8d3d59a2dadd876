"""From a plan to a finished output: workers, ledger, executors."""
