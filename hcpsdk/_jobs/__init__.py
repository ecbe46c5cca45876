"""What one transfer and a bulk job do inside: local files, hashes, downloads, the journal, workers.

Imported by `hcpsdk.transfer`, `hcpsdk.bulk` and `hcpsdk.s3` only. Imports the Connection and what
is below it; `worker` alone imports `hcpsdk.transfer`, whose functions it calls for each job.
"""
