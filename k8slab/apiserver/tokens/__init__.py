"""Tokens of service accounts: making, checking, publishing their keys (`pkg/serviceaccount`)."""

from k8slab.apiserver.tokens.issuer import AUDIENCE, ISSUER, Issuer, TokenError
from k8slab.apiserver.tokens.validator import Authenticated, account_groups, authenticated

__all__ = ["AUDIENCE", "ISSUER", "Authenticated", "Issuer", "TokenError", "account_groups", "authenticated"]
