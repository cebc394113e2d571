"""Who does the work of a job: engines in hosts, or in this process."""
