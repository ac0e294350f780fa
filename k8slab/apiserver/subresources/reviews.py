"""Reviews: questions to the server about users and rights, asked by POST and never stored."""

from __future__ import annotations

from typing import Any

from k8slab.api import authentication_v1 as authentication
from k8slab.api import authorization_v1 as authorization
from k8slab.api.request import Response, UserInfo
from k8slab.apiserver.authorization import Attributes
from k8slab.apiserver.call import Call
from k8slab.apiserver.decoding import decode_object
from k8slab.apiserver.subresources.questions import local_errors, metadata_errors, selector_text, spec_errors
from k8slab.apiserver.tokens import TokenError
from k8slab.apiserver.tokens.legacy import note_use
from k8slab.errors import FieldError, bad_request, internal_error, invalid


def review_access(call: Call) -> Response:
    """Whether somebody else may do something (SubjectAccessReview)."""
    review = _with_spec(decode_object(call), authorization.SubjectAccessReviewSpec)
    _refuse(call, [*spec_errors(review.spec, about_self=False), *metadata_errors(review.metadata)])
    return _answered(call, review, _subject(review.spec))


def review_local_access(call: Call) -> Response:
    """Whether somebody else may do something in a namespace (LocalSubjectAccessReview)."""
    review = _with_spec(decode_object(call), authorization.SubjectAccessReviewSpec)
    if review.metadata.namespace not in (None, "", call.namespace):
        raise bad_request(f"spec.resourceAttributes.namespace must match namespace: {call.namespace}")
    review = review.replace(metadata=review.metadata.replace(namespace=call.namespace))
    errors = [*spec_errors(review.spec, about_self=False), *metadata_errors(review.metadata, local=True)]
    _refuse(call, [*errors, *local_errors(review)])
    return _answered(call, review, _subject(review.spec))


def review_own_access(call: Call) -> Response:
    """Whether the asking user may do something (SelfSubjectAccessReview; `kubectl auth can-i`)."""
    review = _with_spec(decode_object(call), authorization.SelfSubjectAccessReviewSpec)
    _refuse(call, [*spec_errors(review.spec, about_self=True), *metadata_errors(review.metadata)])
    return _answered(call, review, call.user)


def _with_spec(review: Any, cls: type) -> Any:
    return review if review.spec is not None else review.replace(spec=cls())


def _refuse(call: Call, errors: list[FieldError]) -> None:
    if errors:
        raise invalid(call.endpoint.group_kind, "", errors)


def _subject(spec: Any) -> UserInfo:
    extra = {key: tuple(values) for key, values in (spec.extra or {}).items()}
    return UserInfo(name=spec.user or "", groups=tuple(spec.groups or ()), uid=spec.uid or "", extra=extra)


def _answered(call: Call, review: Any, user: UserInfo) -> Response:
    wanted, path = review.spec.resourceAttributes, review.spec.nonResourceAttributes
    if path is not None:
        attributes = Attributes(user=user, verb=path.verb or "", path=path.path or "")
    else:
        attributes = Attributes(
            user=user,
            verb=wanted.verb or "",
            group=wanted.group or "",
            version=wanted.version or "",
            resource=wanted.resource or "",
            subresource=wanted.subresource or "",
            namespace=wanted.namespace or "",
            name=wanted.name or "",
            field_selector=selector_text(wanted.fieldSelector),
        )
    decision = call.server.authorizer.authorize(attributes)
    status = authorization.SubjectAccessReviewStatus(allowed=decision.allowed, reason=decision.reason or None)
    return Response(201, review.replace(status=status))


def review_own_rules(call: Call) -> Response:
    """All that the asking user may do in a namespace (SelfSubjectRulesReview; `kubectl auth can-i --list`)."""
    review = _with_spec(decode_object(call), authorization.SelfSubjectRulesReviewSpec)
    rules = call.server.authorizer.rules(call.user, review.spec.namespace or "")
    status = authorization.SubjectRulesReviewStatus(
        resourceRules=tuple(_rule(authorization.ResourceRule, each) for each in rules.resources),
        nonResourceRules=tuple(_rule(authorization.NonResourceRule, each) for each in rules.paths),
        incomplete=rules.incomplete,
    )
    return Response(201, review.replace(status=status))


def _rule(cls: Any, data: dict[str, Any]) -> Any:
    return cls(**{key: tuple(values) for key, values in data.items()})


def review_self(call: Call) -> Response:
    """Who the asking user is (SelfSubjectReview; `kubectl auth whoami`)."""
    review, user = decode_object(call), call.user
    status = authentication.SelfSubjectReviewStatus(userInfo=_user_info(user))
    metadata = review.metadata.replace(creationTimestamp=call.now)
    return Response(201, review.replace(metadata=metadata, status=status))


def review_token(call: Call) -> Response:
    """Whose a token is (TokenReview)."""
    review = decode_object(call)
    spec = review.spec or authentication.TokenReviewSpec()
    if not spec.token:
        raise bad_request("token is required for TokenReview in authentication")
    wanted = tuple(spec.audiences or ())
    try:
        found = call.server.bearer_tokens.authenticate(spec.token, wanted)
    except TokenError as error:
        return Response(201, review.replace(status=authentication.TokenReviewStatus(error=str(error))))
    if wanted and not any(each in wanted for each in found.audiences):
        raise internal_error("error validating audiences")
    used = note_use(call.server, found.secret)
    if used is not None:
        call.server.handle(used)
    status = authentication.TokenReviewStatus(
        authenticated=True, audiences=found.audiences, user=_user_info(found.user)
    )
    return Response(201, review.replace(status=status))


def _user_info(user: UserInfo) -> authentication.UserInfo:
    return authentication.UserInfo(
        username=user.name, uid=user.uid or None, groups=user.groups or None, extra=user.extra or None
    )
