"""The marketplace's rules as people set them."""

from ringfence.rules.policy_file import PolicyFileError, differences, policy_as_text, read_policy

__all__ = ["PolicyFileError", "differences", "policy_as_text", "read_policy"]
