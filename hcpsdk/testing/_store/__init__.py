"""What namespaces hold: objects, directories, annotations, and the rules for changing them.

Knows no HTTP and no replication. May import `config`, `_dates` and `_xml`.
"""
