"""What rules have to give, and what is said where they give something else."""

from typing import Any

import numpy as np
import pytest

import gradc
from gradc import CaptureError, GradcError, TypeRuleError, func

from ...refusal import Refusal  # placeholder
