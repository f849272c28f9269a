from . import bc
from . import bc_line
from . import product
from . import tag
