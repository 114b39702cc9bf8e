"""What can be wrong with data, each told in one line.

NodeError
└── DataError
    ├── InvalidDataset    arrays that do not make a data set
    ├── UnknownSource     a name that no source answers to
    ├── MissingPackage    a source whose package is not installed
    ├── UnreadableFile    a file that is absent, truncated, corrupt or of another shape
    ├── InvalidCell       one cell of a table, named by file, line or row, and column
    ├── InvalidSchema     a declaration of columns that is none, or of another table
    └── InvalidPartition  a way of dealing samples out that is unknown or impossible
"""

from node.errors import NodeError


class DataError(NodeError):
    """Root of this package: data that cannot be read, or cannot be dealt out."""


class InvalidDataset(DataError):
    """Features, labels and classes do not fit together."""


class UnknownSource(DataError):
    """No built-in data set has this name and it is no file of a known kind."""


class MissingPackage(DataError):
    """The data set comes with a package that is not installed."""


class UnreadableFile(DataError):
    """A file of the user's own cannot be read as a data set."""


class InvalidCell(DataError):
    """A cell of a table does not hold what its column holds."""


class InvalidSchema(DataError):
    """A declaration of columns, missing values, target or scaling that cannot be meant."""


class InvalidPartition(DataError):
    """A partition that is unknown, malformed, or impossible for these samples and peers."""
