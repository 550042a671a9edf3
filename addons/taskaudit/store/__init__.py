"""The central store: the records of any number of logs in one database, SQLite or PostgreSQL.

The logs stay the source of truth; the store is made from them and can be made again.

    address.py   where it is: URLs and paths
    schema.py    the tables, their version
    judging.py   the story in SQL, and the rules on more than one exchange
    views.py     `jobs` and `findings` in SQL
    database.py  connections, transactions, what the database's errors mean
    rows.py      a line of a log as a row
    piece.py     a file of a log from where the last load ended
    tail.py      all files of a log, one after the other
    load.py      logs into the store
    reading.py   the store as the story that the commands tell
"""
