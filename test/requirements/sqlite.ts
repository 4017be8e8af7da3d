// Promises of the SQLite store (storage.md §2.1, security.md ISO-7 and ISO-9, storage.md §7).
export const sqlite = {
  'DRV-1': 'The whole store contract holds on node:sqlite of Node 24 and of Node 22.13.0, plain and sealed.',
  'DRV-6': 'After a failed flush the store takes no more writes until it is opened anew, nor while its file is not at its path; reads go on.',
  'SQL-1': 'The driver asks of its client no more than exec, prepare and close, and no option that Node 22.13 lacks.',
  'SQL-2': 'Every setting is read back at the start, network file systems are refused, and a file that cannot be opened is told with its reason.',
  'SQL-3': 'The tables have a format in user_version, and the database of another program is refused.',
  'SQL-4': 'Heads and ids are answered from memory while no other process has written, and what another wrote is seen at once.',
  'SQL-5': 'All writes of one turn of the event loop share one commit, none is acknowledged before it, and a refused one leaves the others alone.',
  'SQL-7': 'A thread moves the WAL into the file under a lease, and a WAL that a reader holds over 512 MiB refuses writes until it is short again.',
  'SQL-8': 'A write that finds the file locked waits without blocking the loop, at most until its deadline.',
  'SQL-9': 'The driver may write in a thread, with the same promises.',
  'SQL-10': 'Redacted, deleted and erased bytes leave file and WAL within a second, or the erasure says who has the WAL open.',
  'ISO-7': 'Distinct refs are distinct logs, whatever stands in their parts.',
  'ISO-9': 'The data file is readable by its user alone, and so is the folder that was made for it.',
  'MOV-6': 'A format that needs a newer reader is refused before anything is written.',
  'FLT-F1': 'Nothing acknowledged is lost, doubled, torn or moved by kill -9 during appends.',
  'FLT-F5': 'A full disk is unavailable and nothing else, loses nothing, and ends by itself when there is room.',
} as const
